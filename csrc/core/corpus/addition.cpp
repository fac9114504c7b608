#include "core/corpus/addition.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/error.hpp"
#include "core/corpus/same_rows.hpp"
#include "core/index/enums.hpp"

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxNameBytes = uint64_t{1} << 28;
// Numbers of names are kept by offset as far as this.
constexpr uint64_t kMaxKeptOffsets = uint64_t{1} << 25;

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

template <class T>
const T* column(const Table& table, const char* name) {
    return static_cast<const T*>(table.column(name).data);
}

}  // namespace

Addition::Addition(Store& store, std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Entry> base)
    : store_(store),
      sizes_(*sizes),
      btf_(sizes->btf()),
      index_(btf_.index()),
      entry_(std::make_shared<Entry>()),
      names_left_(kMaxNameBytes),
      states_(index_.rows()) {
    const Strings& strings = btf_.strings();
    store_.name_numbers.assign(
        static_cast<size_t>(std::min(strings.end() - strings.start(), kMaxKeptOffsets)), 0);
    entry_->first_id = index_.first_id();
    entry_->numbers.resize(index_.rows());
    entry_->tokens.resize(index_.rows());
    entry_->ordinals.resize(index_.rows());
    if (base != nullptr) {
        entry_->counts = base->counts;
        entry_->cycles = base->cycles;
    }
    entry_->sizes = std::move(sizes);
    entry_->base = std::move(base);
    if (index_.first_record() != 0) {
        states_[0] = State::done;  // void, number 0: the empty record
    }
}

std::shared_ptr<const Entry> Addition::add_all() {
    prints_ = entry_->fingerprints().lower_halves();
    read_layouts();
    for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
        set_token_of(row);
    }
    for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
        add(static_cast<uint32_t>(row));
    }
    return entry_;
}

std::shared_ptr<const Entry> Addition::add_after(const Entry& before, const RowPairs& pairs,
                                                 std::vector<uint32_t>& equals) {
    set_tokens_after(before, pairs);
    const SameRows same(pairs, *entry_, before, equals);
    std::vector<uint32_t> others;
    for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
        if (!same[row]) {
            others.push_back(static_cast<uint32_t>(row));
            continue;
        }
        const uint32_t number = before.numbers[pairs[row]];
        entry_->numbers[row] = number;
        states_[row] = State::done;
        if (entry_->tokens[row] == 0) {
            entry_->tokens[row] = number;
            counted(number);
        }
    }
    if (!others.empty()) {
        prints_ = declaration_lower_halves(sizes_, others);
        read_layouts();
    }
    for (const uint32_t row : others) {
        add(row);
    }
    if (entry_->cycles != 0) {
        return nullptr;
    }
    for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
        if (same[row] && !entry_->is_named(row) && entry_->counts[entry_->numbers[row]] > 1) {
            equals.insert(equals.end(), entry_->equals.begin(), entry_->equals.end());
            return nullptr;
        }
    }
    return entry_;
}

void Addition::read_layouts() {
    const Table& table = sizes_.layouts();
    const auto* ids = column<uint32_t>(table, "id");
    layouts_.resize(index_.rows());
    for (size_t row = 0; row != table.column("id").rows; ++row) {
        layouts_[ids[row] - index_.first_id()] = static_cast<uint32_t>(row);
    }
    for (size_t i = 0; i != kLayoutWords; ++i) {
        layout_columns_[i] = &table.column(kLayoutColumns[i]);
    }
}

uint32_t Addition::layout_word(size_t number, uint32_t row) const {
    const Column& column = *layout_columns_[number];
    return column.item_size == sizeof(uint32_t) ? static_cast<const uint32_t*>(column.data)[row]
                                                : static_cast<const std::uint8_t*>(column.data)[row];
}

uint32_t Addition::name_at(uint32_t offset) {
    const Strings& strings = btf_.strings();
    if (offset == 0 || offset >= strings.end()) {
        return 0;
    }
    // Those of a base are kept by its own addition only: modules have few names.
    const bool own = offset >= strings.start() && offset - strings.start() < store_.name_numbers.size();
    std::uint32_t* const kept =
        own ? &store_.name_numbers[static_cast<std::size_t>(offset - strings.start())] : nullptr;
    if (kept != nullptr && *kept != 0) {
        return *kept;
    }
    const std::string_view text = strings.at(offset);
    if (text.size() > names_left_) {
        throw Error::not_supported("the names of the types exceed 256 MiB");
    }
    names_left_ -= text.size();
    last_name_ = store_.names.intern_after(last_name_, text);
    if (kept != nullptr) {
        *kept = last_name_;
    }
    return last_name_;
}

uint32_t Addition::intern(const uint32_t* words, size_t count) {
    last_record_ = store_.records.intern_after(
        last_record_, {reinterpret_cast<const char*>(words), count * sizeof(uint32_t)});
    return last_record_;
}

uint32_t Addition::reference(Kind kind, bool flag, uint32_t name, uint32_t ordinal) {
    uint32_t words[kHeadWords] = {};
    words[HeadWord::kind] = static_cast<uint32_t>(kind) | kReferenceBit | (flag ? kFlagBit : 0);
    words[HeadWord::name] = name;
    words[HeadWord::ordinal] = ordinal;
    return intern(words, kHeadWords);
}

// Returns how many types with this token or content there were, and counts one more.
uint32_t Addition::counted(uint32_t number) {
    if (number >= entry_->counts.size()) {
        entry_->counts.resize(number + number / 2 + 1);
    }
    return entry_->counts[number]++;
}

// Returns the number of a row's name; 0 if other types do not refer to it by its name. Throws Error
// (not_supported) if the kind is unknown.
uint32_t Addition::identity(size_t row) {
    const Kind kind = index_.kind(row);
    if (!shape_of(kind).known) {
        throw Error::not_supported(
            "type [" + std::to_string(index_.id(row)) +
            "] is of a kind that a corpus cannot store: " + std::to_string(static_cast<unsigned>(kind)));
    }
    return has_identity(kind) ? name_at(index_.name_off(row)) : 0;
}

// Sets the token of a type with a name.
void Addition::set_token_of(size_t row) {
    if (const uint32_t name = identity(row); name != 0) {
        set_token(row, reference(index_.kind(row), has_flag(row), name, 0));
    }
}

// `first` is the token of the first type with this kind and name.
void Addition::set_token(size_t row, uint32_t first) {
    const uint32_t ordinal = entry_->ordinals[row] = counted(first);
    entry_->tokens[row] =
        ordinal == 0 ? first : reference(index_.kind(row), has_flag(row), identity(row), ordinal);
}

// Sets the tokens of all types with a name. A pair has the same kind and name.
void Addition::set_tokens_after(const Entry& before, const RowPairs& pairs) {
    for (size_t row = index_.first_record(); row != index_.rows(); ++row) {
        const uint32_t pair = pairs[row];
        if (pair == RowPairs::kNone || before.ordinals[pair] != 0) {
            set_token_of(row);
        } else if (before.is_named(pair)) {
            set_token(row, before.tokens[pair]);
        }
    }
}

// Numbers a type, after those without a name that it refers to.
void Addition::add(uint32_t root) {
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
uint32_t Addition::token(uint32_t type_id) {
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
    if (entry_->ordinals[row] == 0) {
        entry_->ordinals[row] = kCycleBit | entry_->cycles++;
    }
    return reference(index_.kind(row), false, 0, entry_->ordinals[row]);
}

void Addition::build(uint32_t row) {
    const TypeRecord record(btf_, index_.first_id() + row);
    const Kind kind = record.kind();
    const bool is_reference = shape_of(kind).head_refers;
    store_.words.assign(kHeadWords, 0);
    store_.words[HeadWord::kind] = static_cast<uint32_t>(kind) | (record.flag() ? kFlagBit : 0);
    store_.words[HeadWord::name] = name_at(index_.name_off(row));
    store_.words[HeadWord::ordinal] = entry_->ordinals[row];
    store_.words[HeadWord::value] = is_reference ? token(record.size_or_type()) : record.size_or_type();
    store_.words[HeadWord::fingerprint_low] = static_cast<uint32_t>(prints_[row]);
    store_.words[HeadWord::fingerprint_high] = static_cast<uint32_t>(prints_[row] >> 32);
    switch (kind) {
        case Kind::Int:
        case Kind::Var:
        case Kind::DeclTag:
            store_.words[HeadWord::extra] = record.word(kHeadSize);
            break;
        case Kind::Func:
            store_.words[HeadWord::extra] = info_vlen(record.info());
            break;
        case Kind::Array:
            store_.words[HeadWord::value] = token(record.word(kHeadSize + ArrayField::type));
            store_.words[HeadWord::extra] = record.word(kHeadSize + ArrayField::nelems);
            store_.words[HeadWord::index_type] = token(record.word(kHeadSize + ArrayField::index_type));
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
                store_.words.push_back(name_at(record.load(param + ParamField::name_off)));
                store_.words.push_back(token(record.load(param + ParamField::type)));
            });
            break;
        case Kind::Datasec:
            record.each_element([&](const std::byte* secinfo) {
                store_.words.push_back(token(record.load(secinfo + SecinfoField::type)));
                store_.words.push_back(record.load(secinfo + SecinfoField::offset));
                store_.words.push_back(record.load(secinfo + SecinfoField::size));
            });
            break;
        default:
            break;
    }
    // A type that contains itself may have become part of a cycle while its words were collected.
    store_.words[HeadWord::ordinal] = entry_->ordinals[row];
    uint32_t number = intern(store_.words.data(), store_.words.size());
    if (entry_->tokens[row] == 0) {
        if (entry_->ordinals[row] == 0) {
            if (const uint32_t before = counted(number); before != 0) {
                if (before == 1) {
                    entry_->equals.push_back(number);
                }
                store_.words[HeadWord::ordinal] = entry_->ordinals[row] = before;
                number = intern(store_.words.data(), store_.words.size());
            }
        }
        entry_->tokens[row] = number;
    }
    entry_->numbers[row] = number;
}

void Addition::add_members(const TypeRecord& record) {
    for (size_t i = 0; i != kLayoutWords; ++i) {
        store_.words.push_back(layout_word(i, layouts_[record.row]));
    }
    const bool flag = record.flag();
    record.each_element([&](const std::byte* member) {
        const uint32_t type = record.load(member + MemberField::type);
        const uint32_t offset = record.load(member + MemberField::offset);
        const std::int64_t size = type < index_.end_id() ? sizes_.sizes().size(type) : -1;
        store_.words.insert(store_.words.end(),
                            {name_at(record.load(member + MemberField::name_off)), token(type),
                             member_bit_offset(offset, flag), member_bitfield_size(offset, flag),
                             size < 0 || size >= kUnknownSize ? kUnknownSize : static_cast<uint32_t>(size)});
    });
}

void Addition::add_enumerators(const TypeRecord& record) {
    if (enum_is_signed(index_, static_cast<uint32_t>(record.row))) {
        store_.words[HeadWord::kind] |= kSignedBit;
    }
    record.each_element([&](const std::byte* enumerator) {
        const uint64_t value = enum_value(index_, record.kind(), enumerator);
        store_.words.insert(store_.words.end(),
                            {name_at(record.load(enumerator + EnumField::name_off)),
                             static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)});
    });
}

}  // namespace btfmmap::corpus
