#include "core/loading/object_btf.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "core/analysis/sizes.hpp"
#include "core/base/error.hpp"
#include "core/base/merge_sort.hpp"
#include "core/btf/btf.hpp"
#include "core/loading/symbols.hpp"

namespace btfmmap::loading {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::string_view kKsyms = ".ksyms", kKconfig = ".kconfig";
constexpr std::string_view kDummy = "dummy_ksym";          // the variable that stands for functions
constexpr uint32_t kStatic = 0, kGlobal = 1, kExtern = 2;  // linkage of a FUNC or VAR
constexpr uint32_t kKsymSize = 4;                          // of an entry: that of an INT of 32 bits
constexpr uint32_t kPointerSize = 8;                       // of BPF

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

// The object is not loaded by libbpf. The message says why.
struct NotLoaded {
    std::string why;
};

// A copy of the bytes of a BTF, with its index. Writes words of records.
class EditedBtf {
public:
    // Throws Error if libbpf cannot read the BTF.
    EditedBtf(Bytes blob, const std::string& name)
        : bytes_(std::make_shared<std::vector<std::byte>>(blob.data, blob.data + blob.size)),
          btf_(Mapping::borrow({bytes_->data(), bytes_->size()}, bytes_, How::read), name, nullptr,
               kPointerSize) {}

    const Index& index() const { return btf_.index(); }
    const Header& header() const { return btf_.header(); }
    std::vector<std::byte>& bytes() { return *bytes_; }

    Kind kind(uint32_t id) const { return index().kind(id); }
    // The name, cut after the longest that an ELF symbol may have.
    std::string_view name(uint32_t id) const {
        return btf_.strings().prefix(index().name_off(id), Elf::kMaxName + 1);
    }
    uint32_t elements(uint32_t id) const { return index().elements(id, shape_of(kind(id))); }

    // Words of a record, counted in bytes from its start; of its elements, from theirs.
    uint32_t get(uint32_t id, std::size_t at) const { return index().load(index().record(id) + at); }
    void set(uint32_t id, std::size_t at, uint32_t value) {
        store(at_in_blob(index().record(id)) + at, value);
    }
    std::size_t element(uint32_t id, uint32_t number, std::size_t field) const {
        return kHeadSize + std::size_t{number} * shape_of(kind(id)).element + field;
    }

    void store(std::size_t at, uint32_t value) {
        if (header().order != kHostOrder) {
            value = __builtin_bswap32(value);
        }
        std::memcpy(bytes_->data() + at, &value, sizeof value);
    }

private:
    std::size_t at_in_blob(const std::byte* at) const {
        return static_cast<std::size_t>(at - bytes_->data());
    }

    std::shared_ptr<std::vector<std::byte>> bytes_;
    Btf btf_;
};

class Mender {
public:
    Mender(const ObjectSymbols& symbols, EditedBtf& btf) : symbols_(symbols), btf_(btf) {
        const Index& index = btf.index();
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            const auto id = static_cast<uint32_t>(row);
            if (btf.kind(id) == Kind::Datasec) {
                sections_.push_back(id);
            } else if (int_ == 0 && btf.kind(id) == Kind::Int && int_bits(btf.get(id, kHeadSize)) == 32) {
                int_ = id;
            }
        }
    }

    void mend() {
        if (symbols_.exist()) {
            find_externals();
        }
        for (const uint32_t section : sections_) {
            mend_section(section);
        }
    }

    // The mended bytes: with the variable for functions, if there are any, and without layout.
    std::vector<std::byte> assembled() {
        const Header& header = btf_.header();
        std::vector<std::byte>& bytes = btf_.bytes();
        const bool has_layout = header.layout_size != 0 || header.layout_offset != 0;
        if (dummy_ == 0 && !has_layout) {
            return std::move(bytes);
        }
        const uint64_t added_types = dummy_ == 0 ? 0 : kHeadSize + sizeof(uint32_t);
        const uint64_t added_strings = dummy_ == 0 ? 0 : kDummy.size() + 1;
        // A record whose size changes is rewritten, without gaps.
        const uint64_t type_offset = dummy_ == 0 ? header.type_offset : 0;
        std::vector<std::byte> result(bytes.begin(), bytes.begin() + offset(header.size + type_offset));
        const auto append = [&](uint64_t from, uint64_t size) {
            result.insert(result.end(), bytes.begin() + offset(from), bytes.begin() + offset(from + size));
        };
        append(header.type_start(), header.type_size);
        result.resize(result.size() + in_memory(added_types));
        const std::size_t record = result.size() - in_memory(added_types);
        append(header.string_start(), header.string_size);
        if (dummy_ != 0) {
            const auto* name = reinterpret_cast<const std::byte*>(kDummy.data());
            result.insert(result.end(), name, name + kDummy.size());
            result.push_back(std::byte{0});
        }
        bytes = std::move(result);
        const auto types = static_cast<uint32_t>(header.type_size + added_types);
        btf_.store(HeaderField::type_offset, static_cast<uint32_t>(type_offset));
        btf_.store(HeaderField::type_size, types);
        btf_.store(HeaderField::string_offset, static_cast<uint32_t>(type_offset) + types);
        btf_.store(HeaderField::string_size, static_cast<uint32_t>(header.string_size + added_strings));
        if (header.size >= kMaxHeaderSize) {
            btf_.store(HeaderField::layout_offset, 0);
            btf_.store(HeaderField::layout_size, 0);
        }
        if (dummy_ != 0) {
            btf_.store(record + HeadField::name_off, dummy_name());
            btf_.store(record + HeadField::info, static_cast<uint32_t>(Kind::Var) << 24);
            btf_.store(record + HeadField::size_or_type, int_);
            btf_.store(record + kHeadSize, kGlobal);
        }
        return std::move(bytes);
    }

private:
    static std::ptrdiff_t offset(uint64_t value) { return static_cast<std::ptrdiff_t>(value); }

    // The offset of the variable's name; 0, that of no name, without the variable.
    uint32_t dummy_name() const { return dummy_ == 0 ? 0 : static_cast<uint32_t>(btf_.header().string_size); }

    // -- external functions and variables

    void find_externals() {
        const uint32_t first_ksyms = section_named(kKsyms);
        if (first_ksyms != 0 && has_func(first_ksyms)) {
            dummy_ = btf_.index().end_id();
        }
        std::unordered_map<uint32_t, uint32_t> sections;  // by the type of an entry: the first that has it
        for (const uint32_t section : sections_) {
            for (uint32_t i = 0; i != btf_.elements(section); ++i) {
                sections.emplace(entry(section, i, SecinfoField::type), section);
            }
        }
        const auto ids = ids_of_externals();
        uint32_t ksyms = 0, kconfig = 0;
        std::vector<Config> configs;
        for (const std::string_view name : symbols_.externals()) {
            const auto id = ids.find(name);
            if (id == ids.end()) {
                throw NotLoaded{"the external symbol " + quoted(name) + " has no VAR or FUNC in the BTF"};
            }
            if (linkage(id->second) != kExtern) {
                throw NotLoaded{"the external symbol " + quoted(name) + " is [" + std::to_string(id->second) +
                                "] in the BTF, which is not extern"};
            }
            const auto section = sections.find(id->second);
            const std::string_view section_name =
                section == sections.end() ? std::string_view() : btf_.name(section->second);
            if (section_name == kKsyms) {
                ksyms = section->second;  // of several sections of this name, only the last one is mended
            } else if (section_name == kKconfig) {
                kconfig = section->second;
                configs.push_back(config_of(name, id->second));
            } else {
                throw NotLoaded{"the external symbol " + quoted(name) +
                                " is neither in the section .ksyms nor in .kconfig"};
            }
        }
        if (ksyms != 0) {
            mend_ksyms(ksyms);
        }
        if (kconfig != 0) {
            mend_kconfig(kconfig, std::move(configs));
        }
    }

    // The first VAR or FUNC with the name of each external symbol.
    std::unordered_map<std::string_view, uint32_t> ids_of_externals() const {
        std::unordered_map<std::string_view, uint32_t> ids;
        if (symbols_.externals().empty()) {
            return ids;
        }
        const Index& index = btf_.index();
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            const auto id = static_cast<uint32_t>(row);
            if (btf_.kind(id) == Kind::Var || btf_.kind(id) == Kind::Func) {
                const std::string_view name = btf_.name(id);
                if (symbols_.is_external(name)) {
                    ids.emplace(name, id);
                }
            }
        }
        return ids;
    }

    uint32_t section_named(std::string_view name) const {
        for (const uint32_t section : sections_) {
            if (btf_.name(section) == name) {
                return section;
            }
        }
        return 0;
    }

    bool has_func(uint32_t section) const {
        for (uint32_t i = 0; i != btf_.elements(section); ++i) {
            if (btf_.kind(entry(section, i, SecinfoField::type)) == Kind::Func) {
                return true;
            }
        }
        return false;
    }

    void mend_ksyms(uint32_t section) {
        const uint32_t count = btf_.elements(section);
        for (uint32_t i = 0; i != count; ++i) {
            const uint32_t id = entry(section, i, SecinfoField::type);
            check_external(section, id);
            if (btf_.kind(id) == Kind::Func) {
                name_parameters(btf_.get(id, HeadField::size_or_type));
                set_entry(section, i, SecinfoField::type, dummy_);
                btf_.set(id, HeadField::info, (btf_.get(id, HeadField::info) & ~uint32_t{0xffff}) | kGlobal);
            } else {
                btf_.set(id, kHeadSize, kGlobal);
                btf_.set(id, HeadField::size_or_type, int_);
            }
            set_entry(section, i, SecinfoField::offset, kKsymSize * i);
            set_entry(section, i, SecinfoField::size, kKsymSize);
        }
        btf_.set(section, HeadField::size_or_type, kKsymSize * count);
    }

    // The kernel refuses a FUNC whose parameters have no names.
    void name_parameters(uint32_t proto) {
        const uint32_t count = btf_.elements(proto);
        for (uint32_t i = 0; i != count; ++i) {
            const std::size_t name = btf_.element(proto, i, ParamField::name_off);
            if (btf_.get(proto, name) == 0 &&
                btf_.get(proto, btf_.element(proto, i, ParamField::type)) != 0) {
                btf_.set(proto, name, dummy_name());
            }
        }
    }

    struct Config {
        std::string_view name;
        uint32_t alignment, size;
    };

    static NotLoaded not_a_variable(std::string_view name) {
        return {"the external symbol " + quoted(name) +
                " of .kconfig is not a variable of a type that has a size"};
    }

    Config config_of(std::string_view name, uint32_t id) {
        if (!sizes_) {
            sizes_.emplace(btf_.index(), kPointerSize, nullptr);
        }
        const uint32_t type = btf_.get(id, HeadField::size_or_type);
        const std::int64_t size = sizes_->size(type), alignment = sizes_->alignment(type);
        if (btf_.kind(id) == Kind::Func || size <= 0 || alignment <= 0) {
            throw not_a_variable(name);
        }
        return {name, static_cast<uint32_t>(alignment), static_cast<uint32_t>(size)};
    }

    void mend_kconfig(uint32_t section, std::vector<Config> configs) {
        merge_sort(configs, [](const Config& a, const Config& b) {
            return std::make_tuple(~a.alignment, a.size, a.name) <
                   std::make_tuple(~b.alignment, b.size, b.name);
        });
        std::unordered_map<std::string_view, uint32_t> offsets;
        uint32_t end = 0;
        for (const Config& config : configs) {
            const uint32_t start = (end + config.alignment - 1) / config.alignment * config.alignment;
            offsets.emplace(config.name, start);
            end = start + config.size;
        }
        btf_.set(section, HeadField::size_or_type, end);
        for (uint32_t i = 0; i != btf_.elements(section); ++i) {
            const uint32_t id = entry(section, i, SecinfoField::type);
            check_external(section, id);
            if (btf_.kind(id) == Kind::Func) {  // of the same name as a variable
                throw not_a_variable(btf_.name(id));
            }
            btf_.set(id, kHeadSize, kGlobal);
            const auto start = offsets.find(btf_.name(id));
            set_entry(section, i, SecinfoField::offset, start == offsets.end() ? 0 : start->second);
        }
    }

    void check_external(uint32_t section, uint32_t id) const {
        const Kind kind = btf_.kind(id);
        if ((kind != Kind::Var && kind != Kind::Func) || !symbols_.is_external(btf_.name(id))) {
            throw NotLoaded{"the entry [" + std::to_string(id) + "] of the section " +
                            quoted(btf_.name(section)) + " is not that of an external symbol"};
        }
    }

    // -- sections with data

    void mend_section(uint32_t section) {
        const std::string_view name = btf_.name(section);
        if (name != kKsyms && name != kKconfig) {
            mend_variables(section, name);
        }
        sort_entries(section);
    }

    void mend_variables(uint32_t section, std::string_view name) {
        const bool unset = btf_.get(section, HeadField::size_or_type) == 0;
        if (unset) {
            const auto size = symbols_.section_size(name);
            if (!size || *size == 0 || *size > UINT32_MAX) {
                throw NotLoaded{"the section " + quoted(name) + " of [" + std::to_string(section) +
                                "] has no size in the BTF, and none in the ELF file"};
            }
            btf_.set(section, HeadField::size_or_type, static_cast<uint32_t>(*size));
        }
        for (uint32_t i = 0; i != btf_.elements(section); ++i) {
            const uint32_t id = entry(section, i, SecinfoField::type);
            if (btf_.kind(id) != Kind::Var) {
                throw NotLoaded{"the entry [" + std::to_string(id) + "] of the section " + quoted(name) +
                                " is not a VAR"};
            }
            if (linkage(id) == kStatic || linkage(id) == kExtern) {
                continue;
            }
            const ElfSymbol* symbol = symbols_.variable(btf_.name(id));
            if (symbol == nullptr) {
                throw NotLoaded{"the variable " + quoted(btf_.name(id)) + ", [" + std::to_string(id) +
                                "], has no symbol in the ELF file"};
            }
            if (unset) {
                set_entry(section, i, SecinfoField::offset, static_cast<uint32_t>(symbol->value));
            }
            if (symbol->is_hidden()) {
                btf_.set(id, kHeadSize, kStatic);
            }
        }
    }

    void sort_entries(uint32_t section) {
        struct Entry {
            uint32_t type, offset, size;
        };
        std::vector<Entry> entries(btf_.elements(section));
        for (uint32_t i = 0; i != entries.size(); ++i) {
            entries[i] = {entry(section, i, SecinfoField::type), entry(section, i, SecinfoField::offset),
                          entry(section, i, SecinfoField::size)};
        }
        merge_sort(entries, [](const Entry& a, const Entry& b) { return a.offset < b.offset; });
        for (uint32_t i = 0; i != entries.size(); ++i) {
            set_entry(section, i, SecinfoField::type, entries[i].type);
            set_entry(section, i, SecinfoField::offset, entries[i].offset);
            set_entry(section, i, SecinfoField::size, entries[i].size);
        }
    }

    // -- words

    uint32_t entry(uint32_t section, uint32_t number, std::size_t field) const {
        return btf_.get(section, btf_.element(section, number, field));
    }
    void set_entry(uint32_t section, uint32_t number, std::size_t field, uint32_t value) {
        btf_.set(section, btf_.element(section, number, field), value);
    }
    uint32_t linkage(uint32_t id) const {
        return btf_.kind(id) == Kind::Func ? info_vlen(btf_.get(id, HeadField::info))
                                           : btf_.get(id, kHeadSize);
    }

    const ObjectSymbols& symbols_;
    EditedBtf& btf_;
    std::vector<uint32_t> sections_;  // the DATASECs, ascending
    uint32_t int_ = 0;                // the first INT of 32 bits
    uint32_t dummy_ = 0;              // the ID of the variable for functions; 0 if there is none
    std::optional<Sizes> sizes_;
};

}  // namespace

ObjectBtf as_loaded(const File& file, Bytes btf) {
    std::optional<EditedBtf> edited;
    try {
        edited.emplace(btf, file.name());
    } catch (const Error&) {
        return {{btf.data, btf.data + btf.size}, std::nullopt};
    }
    const ObjectSymbols symbols(file);
    Mender mender(symbols, *edited);
    try {
        mender.mend();
    } catch (NotLoaded& reason) {
        return {std::move(edited->bytes()), std::move(reason.why)};
    }
    return {mender.assembled(), std::nullopt};
}

}  // namespace btfmmap::loading
