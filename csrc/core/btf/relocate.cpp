#include "core/btf/relocate.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/format/kind_text.hpp"
#include "core/index/references.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

// Values in the map of IDs. An embedded type is not mapped yet, and its size must match, because structs of
// the split BTF contain it.
constexpr uint32_t kUnmapped = 0;
constexpr uint32_t kEmbedded = UINT32_MAX;

class Relocation {
public:
    Relocation(const Btf& split, const Btf& base, const std::string& name, const std::string& base_name)
        : split_(split), distilled_(*split.base()), base_(base), name_(name), base_name_(base_name) {}

    // Returns a copy of the split BTF with new type IDs and string offsets.
    std::vector<std::byte> run() {
        check_distilled();
        ids_.assign(distilled_.index().end_id(), kUnmapped);
        strings_.assign(in_memory(distilled_.header().string_size), 0);
        mark_embedded();
        count_names();
        for (uint32_t id = 1; id != base_.index().end_id(); ++id) {
            map_candidate(id);
        }
        check_all_mapped();
        return rewritten();
    }

private:
    // Returns a name offset, which is used as an array index. Validated again, because the bytes may have
    // changed.
    uint32_t name_off(const Btf& btf, uint32_t id) const {
        const TypeRecord record(btf, id);
        const uint32_t offset = record.index->name_off(record.row);
        if (offset >= btf.strings().end()) {
            throw failed("type [" + std::to_string(id) + "] has an invalid name offset: the bytes changed");
        }
        return offset;
    }

    Error failed(const std::string& what) const { return Error::format(name_ + ": " + what); }

    std::string described(uint32_t id) const {
        return "type [" + std::to_string(id) + "] '" + std::string(distilled_.type_name(id)) +
               "' of the distilled base";
    }

    void check_distilled() const {
        const Index& index = distilled_.index();
        for (uint32_t id = 1; id != index.end_id(); ++id) {
            switch (index.kind(id)) {
                case Kind::Int:
                case Kind::Float:
                case Kind::Enum:
                case Kind::Struct:
                case Kind::Union:
                case Kind::Fwd:
                    if (index.name_off(id) != 0) {
                        continue;
                    }
                    throw failed(described(id) + " has no name");
                default:
                    throw failed("its base is not distilled: type [" + std::to_string(id) + "] is of kind " +
                                 std::to_string(index.kinds()[id]) +
                                 ", must be INT, FLOAT, ENUM, STRUCT, UNION or FWD");
            }
        }
    }

    // Marks the types of the distilled base that a struct of the split BTF contains as members, not through
    // pointers. They must have the same size in the full base.
    void mark_embedded() {
        const Index& index = split_.index();
        std::vector<bool> seen(index.rows());
        for (std::size_t row = 0; row != index.rows(); ++row) {
            if (!is_composite(index.kind(row))) {
                continue;
            }
            const Shape& shape = shape_of(Kind::Struct);
            const std::byte* member = index.record(row) + kHeadSize;
            for (uint32_t left = index.elements(row, shape); left != 0; --left, member += shape.element) {
                mark_embedded(index.load(member + MemberField::type), seen);
            }
        }
    }

    // Follows a member's type through qualifiers, typedefs and arrays. Stops at a type that was followed
    // before: this bounds the time for types that are embedded many times, and ends cycles.
    void mark_embedded(uint32_t type, std::vector<bool>& seen) {
        const Index& index = split_.index();
        type = type < index.end_id() ? type : 0;
        while (type >= ids_.size() && !seen[type - index.first_id()]) {
            seen[type - index.first_id()] = true;
            const TypeRecord record(split_, type);
            if (record.kind() != Kind::Array && !is_modifier_or_typedef(record.kind())) {
                return;
            }
            type = record.target();
        }
        if (type < ids_.size() && is_composite(distilled_.index().kind(type))) {
            ids_[type] = kEmbedded;
        }
    }

    // Counts the structs and unions of each name in the base. If there are several, their sizes are compared.
    void count_names() {
        const Index& index = base_.index();
        composites_.assign(in_memory(base_.strings().end()), 0);
        for (uint32_t id = 1; id != index.end_id(); ++id) {
            const uint32_t name = name_off(base_, id);
            if (is_composite(index.kind_of(id)) && name != 0 && composites_[name] != UINT8_MAX) {
                ++composites_[name];
            }
        }
    }

    bool needs_size(uint32_t base_id, Kind kind) const {
        if (is_composite(kind)) {
            return composites_[name_off(base_, base_id)] > 1;
        }
        return kind != Kind::Fwd;
    }

    void map_candidate(uint32_t base_id) {
        const Kind kind = base_.index().kind_of(base_id);
        const uint32_t name = name_off(base_, base_id);
        switch (kind) {
            case Kind::Int:
            case Kind::Float:
            case Kind::Enum:
            case Kind::Enum64:
            case Kind::Fwd:
            case Kind::Struct:
            case Kind::Union:
                break;
            default:
                return;
        }
        if (name == 0) {
            return;
        }
        for (const uint32_t id : distilled_.names().find_all(base_.strings().at(name), Kinds().set())) {
            // Type ID 0 is found by the name void, but is not a stored type.
            if (id == 0 || !matches(id, base_id, kind)) {
                continue;
            }
            if (ids_[id] != kUnmapped && ids_[id] != kEmbedded) {
                throw failed(described(id) + " could be type [" + std::to_string(ids_[id]) + "] or [" +
                             std::to_string(base_id) + "] of the base, both of " +
                             std::to_string(TypeRecord(base_, base_id).size_or_type()) + " bytes");
            }
            ids_[id] = base_id;
            strings_[name_off(distilled_, id)] = name;
        }
    }

    // Whether a distilled type matches one of the base, by libbpf's rules. As in libbpf, a FWD of a union
    // matches only a union with the kind flag, which means that it has bitfields.
    bool matches(uint32_t id, uint32_t base_id, Kind base_kind) const {
        const TypeRecord distilled(distilled_, id);
        const TypeRecord base(base_, base_id);
        const bool same_size = distilled.size_or_type() == base.size_or_type();
        if (needs_size(base_id, base_kind) && !same_size) {
            return false;
        }
        switch (const Kind kind = distilled.kind()) {
            case Kind::Fwd:
                return (base_kind == Kind::Fwd && base.flag() == distilled.flag()) ||
                       (base_kind == Kind::Struct && !base.flag()) ||
                       (base_kind == Kind::Union && base.flag());
            case Kind::Int:
                return base_kind == kind && encoding(distilled) == encoding(base);
            case Kind::Float:
                return base_kind == kind;
            case Kind::Enum:  // an ENUM64 is distilled to an ENUM with its size
                return base_kind == kind || base_kind == Kind::Enum64;
            default:  // STRUCT or UNION; libbpf does not compare the kind of the base's type
                return ids_[id] != kEmbedded || same_size;
        }
    }

    static std::uint8_t encoding(const TypeRecord& integer) { return int_encoding(integer.word(kHeadSize)); }

    void check_all_mapped() const {
        for (uint32_t id = 1; id != ids_.size(); ++id) {
            if (ids_[id] == kUnmapped || ids_[id] == kEmbedded) {
                throw failed(described(id) + ", " + shown(distilled_, id) + ", has no counterpart in " +
                             base_name_ + ": " + namesakes(id));
            }
        }
    }

    // Describes a type by what has to match: its kind, size and encoding.
    std::string shown(const Btf& btf, uint32_t id) const {
        const TypeRecord record(btf, id);
        const Kind kind = record.kind();
        std::string text = kind_name(kind);
        switch (kind) {
            case Kind::Fwd:
                return text + (record.flag() ? " of a union" : " of a struct");
            case Kind::Int:
            case Kind::Float:
            case Kind::Enum:
            case Kind::Enum64:
            case Kind::Struct:
            case Kind::Union:
                text += " of " + std::to_string(record.size_or_type()) + " bytes";
                return kind == Kind::Int ? text + " (encoding " + std::to_string(encoding(record)) + ")"
                                         : text;
            default:
                return text;
        }
    }

    // Describes the types of the base that have the name of a distilled type.
    std::string namesakes(uint32_t id) const {
        constexpr std::size_t max_shown = 4;
        std::vector<uint32_t> ids = base_.find_all(distilled_.type_name(id), Kinds().set());
        if (ids.empty()) {
            return "there is no type of that name";
        }
        const std::size_t more = ids.size() - std::min(ids.size(), max_shown);
        ids.resize(ids.size() - more);
        std::string text = "of that name there is";
        for (const uint32_t found : ids) {
            text += (found == ids.front() ? " type [" : ", type [") + std::to_string(found) + "], " +
                    shown(base_, found);
        }
        text += more == 0 ? "" : " and " + std::to_string(more) + " more";
        return ids_[id] == kEmbedded ? text + "; a struct has it as a member, so the sizes must be equal"
                                     : text;
    }

    std::vector<std::byte> rewritten() const {
        const Bytes blob = split_.mapping().bytes();
        std::vector<std::byte> copy(blob.data, blob.data + blob.size);
        const Index& index = split_.index();
        for (std::size_t row = 0; row != index.rows(); ++row) {
            if (!shape_of(index.kind(row)).known) {
                throw failed("type [" + std::to_string(index.id(row)) + "] has the unknown kind " +
                             std::to_string(index.kinds()[row]) + ", whose references cannot be found" +
                             upcoming_kind_hint(index.kinds()[row]));
            }
            each_reference(index, row, [&](Reference reference, const std::byte* word) {
                const uint32_t old = index.load(word);
                store_u32(copy.data() + (word - blob.data),
                          reference == Reference::type ? moved_id(old) : moved_string(old), index.order());
            });
        }
        return copy;
    }

    uint32_t moved_id(uint32_t id) const {
        if (id == 0) {
            return 0;
        }
        return id < ids_.size() ? ids_[id] : id - distilled_.index().end_id() + base_.index().end_id();
    }

    uint32_t moved_string(uint32_t offset) const {
        if (offset == 0) {
            return 0;
        }
        if (offset >= strings_.size()) {
            return static_cast<uint32_t>(offset - distilled_.strings().end() + base_.strings().end());
        }
        if (strings_[offset] == 0) {
            throw failed("the string '" + std::string(distilled_.strings().at(offset)) +
                         "' of the distilled base is not the name of any type there");
        }
        return strings_[offset];
    }

    const Btf& split_;
    const Btf& distilled_;
    const Btf& base_;
    const std::string& name_;
    const std::string& base_name_;
    std::vector<uint32_t> ids_;      // distilled type ID -> type ID in the base
    std::vector<uint32_t> strings_;  // distilled string offset -> string offset in the base
    std::vector<std::uint8_t>
        composites_;  // name offset in the base -> number of structs and unions, at most 255
};

}  // namespace

std::shared_ptr<const Btf> relocate(const Btf& split, std::shared_ptr<const Btf> base,
                                    const std::string& name, const std::string& base_name) {
    if (split.base() == nullptr) {
        throw Error::not_supported(name + ": stands alone, only a split BTF can be relocated");
    }
    if (split.base() == base || split.base()->base() != nullptr) {
        throw Error::not_supported(name + ": its base is not a distilled one");
    }
    if (base->header().order != split.header().order) {
        throw Error::format(name + ": its byte order differs from its base's");
    }
    auto bytes =
        std::make_shared<const std::vector<std::byte>>(Relocation(split, *base, name, base_name).run());
    const Bytes blob{bytes->data(), bytes->size()};
    return std::make_shared<Btf>(Mapping::borrow(blob, bytes, How::read), name, std::move(base),
                                 split.pointer_size());
}

}  // namespace btfmmap
