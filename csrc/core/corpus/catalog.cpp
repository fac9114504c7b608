#include "core/corpus/catalog.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/corpus/words.hpp"
#include "core/index/enums.hpp"
#include "core/index/references.hpp"

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxNameBytes = uint64_t{1} << 28;
// Numbers of names are kept by offset as far as this.
constexpr uint64_t kMaxKeptOffsets = uint64_t{1} << 25;
// The memory for these is kept from one BTF to the next if it is that of a usual kernel.
constexpr size_t kMaxKeptNumbers = size_t{1} << 22;

// Whether other types refer to a type of this kind by its name.
constexpr bool has_identity(Kind kind) {
    switch (kind) {
        case Kind::Int:
        case Kind::Struct:
        case Kind::Union:
        case Kind::Enum:
        case Kind::Fwd:
        case Kind::Typedef:
        case Kind::Func:
        case Kind::Var:
        case Kind::Datasec:
        case Kind::Float:
        case Kind::Enum64:
            return true;
        default:
            return false;
    }
}

// Calls `type(word)` and `name(word)` with the words of a record that are numbers of types and names.
template <class Type, class Name>
void each_number(std::vector<uint32_t>& words, Type type, Name name) {
    if (words.size() < kHeadWords) {
        return;
    }
    name(words[HeadWord::name]);
    const uint32_t number = words[HeadWord::kind] & 0xff;
    if ((words[HeadWord::kind] & kReferenceBit) != 0 || number >= kMaxKinds) {
        return;
    }
    const Kind kind = static_cast<Kind>(number);
    const auto each = [&words](size_t first, size_t step, auto visit) {
        for (size_t at = first; at < words.size(); at += step) {
            visit(words[at]);
        }
    };
    if (kind == Kind::Array || shape_of(kind).head_refers) {
        type(words[HeadWord::value]);
    }
    if (kind == Kind::Array) {
        type(words[HeadWord::index_type]);
    } else if (is_composite(kind)) {
        each(kHeadWords + kLayoutWords, kMemberWords, name);
        each(kHeadWords + kLayoutWords + 1, kMemberWords, type);
    } else if (is_enum(kind)) {
        each(kHeadWords, kEnumeratorWords, name);
    } else if (kind == Kind::FuncProto) {
        each(kHeadWords, kParamWords, name);
        each(kHeadWords + 1, kParamWords, type);
    } else if (kind == Kind::Datasec) {
        each(kHeadWords, kSecinfoWords, type);
    }
}

template <class T>
const T* column(const Table& table, const char* name) {
    return static_cast<const T*>(table.column(name).data);
}

}  // namespace

// Adds one BTF.
class Catalog::Addition {
public:
    Addition(Catalog& catalog, std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Entry> base)
        : catalog_(catalog),
          sizes_(*sizes),
          btf_(sizes->btf()),
          index_(btf_.index()),
          entry_(std::make_shared<Entry>()),
          names_left_(kMaxNameBytes),
          names_(catalog.name_numbers_),
          states_(index_.rows()),
          ordinals_(index_.rows()),
          layouts_(index_.rows()),
          words_(catalog.words_) {
        const Strings& strings = btf_.strings();
        names_.assign(static_cast<size_t>(std::min(strings.end() - strings.start(), kMaxKeptOffsets)), 0);
        entry_->first_id = index_.first_id();
        entry_->numbers.resize(index_.rows());
        entry_->tokens.resize(index_.rows());
        if (base != nullptr) {
            entry_->counts = base->counts;
            entry_->cycles = base->cycles;
        }
        entry_->sizes = std::move(sizes);
        entry_->fingerprints = std::make_unique<const DeclarationFingerprints>(
            sizes_, base == nullptr ? nullptr : base->fingerprints.get());
        prints_ = entry_->fingerprints->lower_halves();
        entry_->base = std::move(base);
        read_layouts(sizes_.layouts());
    }

    std::shared_ptr<const Entry> run() {
        if (index_.first_record() != 0) {
            states_[0] = State::done;  // void, number 0: the empty record
        }
        for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
            name(row);
        }
        for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
            add(static_cast<uint32_t>(row));
        }
        return entry_;
    }

private:
    enum class State : std::uint8_t { unknown, entered, done };

    void read_layouts(const Table& table) {
        const auto* ids = column<uint32_t>(table, "id");
        for (size_t row = 0; row != table.column("id").rows; ++row) {
            layouts_[ids[row] - index_.first_id()] = static_cast<uint32_t>(row);
        }
        for (size_t i = 0; i != kLayoutWords; ++i) {
            layout_columns_[i] = &table.column(kLayoutColumns[i]);
        }
    }

    uint32_t layout_word(size_t number, uint32_t row) const {
        const Column& column = *layout_columns_[number];
        return column.item_size == sizeof(uint32_t) ? static_cast<const uint32_t*>(column.data)[row]
                                                    : static_cast<const std::uint8_t*>(column.data)[row];
    }

    uint32_t name_at(uint32_t offset) {
        const Strings& strings = btf_.strings();
        if (offset == 0 || offset >= strings.end()) {
            return 0;
        }
        // Those of a base are kept by its own addition only: modules have few names.
        const bool own = offset >= strings.start() && offset - strings.start() < names_.size();
        std::uint32_t* const kept =
            own ? &names_[static_cast<std::size_t>(offset - strings.start())] : nullptr;
        if (kept != nullptr && *kept != 0) {
            return *kept;
        }
        const std::string_view text = strings.at(offset);
        if (text.size() > names_left_) {
            throw Error::not_supported("the names of the types exceed 256 MiB");
        }
        names_left_ -= text.size();
        last_name_ = catalog_.names_.intern_after(last_name_, text);
        if (kept != nullptr) {
            *kept = last_name_;
        }
        return last_name_;
    }

    uint32_t intern(const uint32_t* words, size_t count) {
        last_record_ = catalog_.records_.intern_after(
            last_record_, {reinterpret_cast<const char*>(words), count * sizeof(uint32_t)});
        return last_record_;
    }

    // `flag` is that of a FWD: a struct and a union of one name are different types.
    uint32_t reference(Kind kind, bool flag, uint32_t name, uint32_t ordinal) {
        uint32_t words[kHeadWords] = {};
        words[HeadWord::kind] = static_cast<uint32_t>(kind) | kReferenceBit | (flag ? kFlagBit : 0);
        words[HeadWord::name] = name;
        words[HeadWord::ordinal] = ordinal;
        return intern(words, kHeadWords);
    }

    // Returns how many types with this token or content there were, and counts one more.
    uint32_t counted(uint32_t number) {
        if (number >= entry_->counts.size()) {
            entry_->counts.resize(number + number / 2 + 1);
        }
        return entry_->counts[number]++;
    }

    // Sets the token of a type with a name.
    void name(size_t row) {
        const Kind kind = index_.kind(row);
        if (!shape_of(kind).known) {
            throw Error::not_supported(
                "type [" + std::to_string(index_.first_id() + row) +
                "] is of a kind that a corpus cannot store: " + std::to_string(static_cast<unsigned>(kind)));
        }
        const uint32_t name = has_identity(kind) ? name_at(index_.name_off(row)) : 0;
        if (name == 0) {
            return;
        }
        const TypeRecord record(btf_, index_.first_id() + static_cast<uint32_t>(row));
        const bool flag = kind == Kind::Fwd && record.flag();
        const uint32_t first = reference(kind, flag, name, 0);
        ordinals_[row] = counted(first);
        entry_->tokens[row] = ordinals_[row] == 0 ? first : reference(kind, flag, name, ordinals_[row]);
    }

    bool is_own(uint32_t type_id) const { return type_id >= index_.first_id(); }
    uint32_t row_of(uint32_t type_id) const { return type_id - index_.first_id(); }

    // Calls `visit(row)` for the own types that a record refers to, and that have no token yet.
    template <class Visit>
    void each_missing(uint32_t row, Visit visit) const {
        each_reference(index_, row, [&](Reference what, const std::byte* word) {
            if (what != Reference::type) {
                return;
            }
            const uint32_t id = index_.load(word);
            if (id < index_.end_id() && is_own(id) && entry_->tokens[row_of(id)] == 0 &&
                states_[row_of(id)] != State::done) {
                visit(row_of(id));
            }
        });
    }

    // Numbers a type, after those without a name that it refers to.
    void add(uint32_t root) {
        pending_.push_back(root);
        while (!pending_.empty()) {
            const uint32_t row = pending_.back();
            if (states_[row] == State::unknown) {
                states_[row] = State::entered;
                each_missing(row, [this](uint32_t part) {
                    if (states_[part] == State::unknown) {
                        pending_.push_back(part);
                    }
                });
                continue;
            }
            pending_.pop_back();
            if (states_[row] != State::done) {
                build(row);
                states_[row] = State::done;
            }
        }
    }

    // Returns the token of what a record refers to. Without one, the type contains the record.
    uint32_t token(uint32_t type_id) {
        if (type_id >= index_.end_id()) {
            return 0;
        }
        if (!is_own(type_id)) {
            return entry_->base->token(type_id);
        }
        const uint32_t row = row_of(type_id);
        if (entry_->tokens[row] != 0 || states_[row] == State::done) {
            return entry_->tokens[row];
        }
        if (ordinals_[row] == 0) {
            ordinals_[row] = kCycleBit | entry_->cycles++;
        }
        return reference(index_.kind(row), false, 0, ordinals_[row]);
    }

    void build(uint32_t row) {
        const TypeRecord record(btf_, index_.first_id() + row);
        const Kind kind = record.kind();
        const bool is_reference = shape_of(kind).head_refers;
        words_.assign(kHeadWords, 0);
        words_[HeadWord::kind] = static_cast<uint32_t>(kind) | (record.flag() ? kFlagBit : 0);
        words_[HeadWord::name] = name_at(index_.name_off(row));
        words_[HeadWord::ordinal] = ordinals_[row];
        words_[HeadWord::value] = is_reference ? token(record.size_or_type()) : record.size_or_type();
        words_[HeadWord::fingerprint_low] = static_cast<uint32_t>(prints_[row]);
        words_[HeadWord::fingerprint_high] = static_cast<uint32_t>(prints_[row] >> 32);
        switch (kind) {
            case Kind::Int:
            case Kind::Var:
            case Kind::DeclTag:
                words_[HeadWord::extra] = record.word(kHeadSize);
                break;
            case Kind::Func:
                words_[HeadWord::extra] = info_vlen(record.info());
                break;
            case Kind::Array:
                words_[HeadWord::value] = token(record.word(kHeadSize + ArrayField::type));
                words_[HeadWord::extra] = record.word(kHeadSize + ArrayField::nelems);
                words_[HeadWord::index_type] = token(record.word(kHeadSize + ArrayField::index_type));
                break;
            case Kind::Struct:
            case Kind::Union:
                add_members(record);
                break;
            case Kind::Enum:
            case Kind::Enum64:
                add_enumerators(record);
                break;
            case Kind::FuncProto:
                record.each_element([&](const std::byte* param) {
                    words_.push_back(name_at(record.load(param + ParamField::name_off)));
                    words_.push_back(token(record.load(param + ParamField::type)));
                });
                break;
            case Kind::Datasec:
                record.each_element([&](const std::byte* secinfo) {
                    words_.push_back(token(record.load(secinfo + SecinfoField::type)));
                    words_.push_back(record.load(secinfo + SecinfoField::offset));
                    words_.push_back(record.load(secinfo + SecinfoField::size));
                });
                break;
            default:
                break;
        }
        // A type that contains itself may have become part of a cycle while its words were collected.
        words_[HeadWord::ordinal] = ordinals_[row];
        uint32_t number = intern(words_.data(), words_.size());
        if (entry_->tokens[row] == 0) {
            if (ordinals_[row] == 0) {
                if (const uint32_t before = counted(number); before != 0) {
                    words_[HeadWord::ordinal] = before;
                    number = intern(words_.data(), words_.size());
                }
            }
            entry_->tokens[row] = number;
        }
        entry_->numbers[row] = number;
    }

    void add_members(const TypeRecord& record) {
        for (size_t i = 0; i != kLayoutWords; ++i) {
            words_.push_back(layout_word(i, layouts_[record.row]));
        }
        const bool flag = record.flag();
        record.each_element([&](const std::byte* member) {
            const uint32_t type = record.load(member + MemberField::type);
            const uint32_t offset = record.load(member + MemberField::offset);
            const std::int64_t size = type < index_.end_id() ? sizes_.sizes().size(type) : -1;
            words_.insert(words_.end(),
                          {name_at(record.load(member + MemberField::name_off)), token(type),
                           member_bit_offset(offset, flag), member_bitfield_size(offset, flag),
                           size < 0 || size >= kUnknownSize ? kUnknownSize : static_cast<uint32_t>(size)});
        });
    }

    void add_enumerators(const TypeRecord& record) {
        if (enum_is_signed(index_, static_cast<uint32_t>(record.row))) {
            words_[HeadWord::kind] |= kSignedBit;
        }
        record.each_element([&](const std::byte* enumerator) {
            const uint64_t value = enum_value(index_, record.kind(), enumerator);
            words_.insert(words_.end(), {name_at(record.load(enumerator + EnumField::name_off)),
                                         static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)});
        });
    }

    Catalog& catalog_;
    const BtfSizes& sizes_;
    const Btf& btf_;
    const Index& index_;
    std::shared_ptr<Entry> entry_;
    uint64_t names_left_;
    std::vector<uint32_t>& names_;  // their numbers, by offset in the string section; 0 if not known
    uint32_t last_name_ = 0;
    uint32_t last_record_ = 0;
    std::vector<State> states_;       // per row
    std::vector<uint32_t> ordinals_;  // likewise
    std::vector<uint64_t> prints_;    // likewise
    std::vector<uint32_t> layouts_;   // row of the table of layouts, per row
    const Column* layout_columns_[kLayoutWords] = {};
    std::vector<uint32_t> pending_;
    std::vector<uint32_t>& words_;
};

std::shared_ptr<const Entry> Catalog::add(std::shared_ptr<const BtfSizes> sizes,
                                          std::shared_ptr<const Entry> base) {
    if ((sizes->btf().base() == nullptr) != (base == nullptr)) {
        throw Error::invalid_argument("the base of a split BTF must be added before it");
    }
    auto entry = Addition(*this, std::move(sizes), std::move(base)).run();
    if (name_numbers_.capacity() > kMaxKeptNumbers) {
        name_numbers_ = {};
    }
    return entry;
}

std::vector<uint32_t> Catalog::unnamed(uint32_t first) const {
    std::vector<uint32_t> found;
    for (uint32_t number = std::max(first, 1U); number < records(); ++number) {
        uint32_t head[HeadWord::name + 1] = {};
        std::memcpy(head, record(number).data(), std::min(record(number).size(), sizeof(head)));
        const bool is_tag = (head[HeadWord::kind] & 0xff) == static_cast<uint32_t>(Kind::TypeTag);
        if ((head[HeadWord::kind] & kReferenceBit) == 0 && (head[HeadWord::name] == 0 || is_tag)) {
            found.push_back(number);
        }
    }
    return found;
}

std::vector<uint32_t> Catalog::references(const std::vector<uint32_t>& numbers) const {
    std::vector<bool> used(records());
    std::vector<uint32_t> words;
    for (const uint32_t number : numbers) {
        const std::string_view record = this->record(number);
        if (record.empty()) {
            continue;  // number 0
        }
        words.resize(record.size() / sizeof(uint32_t));
        std::memcpy(words.data(), record.data(), words.size() * sizeof(uint32_t));
        const auto type = [&used](uint32_t referred) {
            if (referred < used.size()) {
                used[referred] = true;
            }
        };
        each_number(words, type, [](uint32_t) {});
    }
    std::vector<uint32_t> found;
    for (uint32_t number = 1; number < used.size(); ++number) {
        if (used[number]) {
            found.push_back(number);
        }
    }
    return found;
}

uint32_t Catalog::add_record(const uint32_t* words, size_t count) {
    return records_.intern({reinterpret_cast<const char*>(words), count * sizeof(uint32_t)});
}

uint32_t Catalog::add_record_of(const uint32_t* words, size_t count, const std::vector<uint32_t>& names,
                                const std::vector<uint32_t>& records) {
    const auto translate = [](const std::vector<uint32_t>& numbers) {
        return [&numbers](uint32_t& number) {
            if (number >= numbers.size()) {
                throw Error::invalid_argument("a record refers to number " + std::to_string(number) + " of " +
                                              std::to_string(numbers.size()));
            }
            number = numbers[number];
        };
    };
    words_.assign(words, words + count);
    each_number(words_, translate(records), translate(names));
    last_added_ = records_.intern_after(
        last_added_, {reinterpret_cast<const char*>(words_.data()), count * sizeof(uint32_t)});
    return last_added_;
}

}  // namespace btfmmap::corpus
