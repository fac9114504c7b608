#include "core/dump/raw.hpp"

#include "core/btf/record.hpp"
#include "core/dump/record_text.hpp"
#include "core/dump/roots.hpp"
#include "core/format/kind_text.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

// Writes one type: a line, and another line for each of its elements.
class Lines {
public:
    Lines(const Btf& btf, uint32_t id, Output& output) : btf_(btf), record_(btf, id), writer_(output) {}

    void write() {
        const Kind kind = record_.kind();
        writer_.literal("[");
        writer_.number(record_.id);
        writer_.literal("] ");
        writer_.short_text(kind_text(kind));
        writer_.literal(" '");
        writer_.string<Verbatim>(name_text(record_));
        writer_.literal("'");
        body(kind);
        writer_.literal("\n");
    }

private:
    void body(Kind kind) {
        switch (kind) {
            case Kind::Int:
                return integer();
            case Kind::Ptr:
            case Kind::Typedef:
            case Kind::Volatile:
            case Kind::Const:
            case Kind::Restrict:
            case Kind::TypeTag:
                return field(" type_id=", record_.size_or_type());
            case Kind::Array:
                field(" type_id=", record_.word(kHeadSize + ArrayField::type));
                field(" index_type_id=", record_.word(kHeadSize + ArrayField::index_type));
                return field(" nr_elems=", record_.word(kHeadSize + ArrayField::nelems));
            case Kind::Struct:
            case Kind::Union:
                return members();
            case Kind::Enum:
                return values(false);
            case Kind::Enum64:
                return values(true);
            case Kind::Fwd:
                return record_.flag() ? writer_.literal(" fwd_kind=union")
                                      : writer_.literal(" fwd_kind=struct");
            case Kind::Func:
                field(" type_id=", record_.size_or_type());
                writer_.literal(" linkage=");
                return writer_.short_text(linkage_text(info_vlen(record_.info())));
            case Kind::FuncProto:
                return params();
            case Kind::Var:
                field(" type_id=", record_.size_or_type());
                writer_.literal(", linkage=");
                return writer_.short_text(linkage_text(record_.word(kHeadSize)));
            case Kind::Datasec:
                return entries();
            case Kind::Float:
                return field(" size=", record_.size_or_type());
            case Kind::DeclTag:
                field(" type_id=", record_.size_or_type());
                writer_.literal(" component_idx=");
                return writer_.signed_number(static_cast<std::int32_t>(record_.word(kHeadSize)));
            default:
                return;
        }
    }

    template <std::size_t size>
    void field(const char (&label)[size], uint32_t value) {
        writer_.literal(label);
        writer_.number(value);
    }

    void size_and_count() {
        field(" size=", record_.size_or_type());
        field(" vlen=", record_.elements());
    }

    void integer() {
        const uint32_t word = record_.word(kHeadSize);
        field(" size=", record_.size_or_type());
        field(" bits_offset=", int_bit_offset(word));
        field(" nr_bits=", int_bits(word));
        writer_.literal(" encoding=");
        writer_.short_text(encoding_text(int_encoding(word)));
    }

    void element_name(const std::byte* name_off) {
        writer_.literal("\n\t'");
        writer_.string<Verbatim>(string_text(record_, record_.load(name_off)));
    }

    void members() {
        size_and_count();
        const bool flag = record_.flag();
        record_.each_element([&](const std::byte* member) {
            const uint32_t offset = record_.load(member + MemberField::offset);
            element_name(member + MemberField::name_off);
            field("' type_id=", record_.load(member + MemberField::type));
            field(" bits_offset=", member_bit_offset(offset, flag));
            if (const std::uint8_t size = member_bitfield_size(offset, flag)) {
                field(" bitfield_size=", size);
            }
        });
    }

    void values(bool wide) {
        const bool is_signed = record_.flag();
        is_signed ? writer_.literal(" encoding=SIGNED") : writer_.literal(" encoding=UNSIGNED");
        size_and_count();
        record_.each_element([&](const std::byte* value) {
            const std::uint64_t low = record_.load(value + EnumField::value);
            element_name(value + EnumField::name_off);
            writer_.literal("' val=");
            if (wide) {
                const std::uint64_t bits =
                    std::uint64_t{record_.load(value + EnumField::value_high)} << 32 | low;
                is_signed ? writer_.signed_number(static_cast<std::int64_t>(bits)) : writer_.number(bits);
                is_signed ? writer_.literal("LL") : writer_.literal("ULL");
            } else {
                is_signed ? writer_.signed_number(static_cast<std::int32_t>(low)) : writer_.number(low);
            }
        });
    }

    void params() {
        field(" ret_type_id=", record_.size_or_type());
        field(" vlen=", record_.elements());
        record_.each_element([&](const std::byte* param) {
            element_name(param + ParamField::name_off);
            field("' type_id=", record_.load(param + ParamField::type));
        });
    }

    void entries() {
        size_and_count();
        record_.each_element([&](const std::byte* entry) {
            writer_.ensure_slack();
            const uint32_t type = record_.load(entry + SecinfoField::type);
            field("\n\ttype_id=", type);
            field(" offset=", record_.load(entry + SecinfoField::offset));
            field(" size=", record_.load(entry + SecinfoField::size));
            if (type < btf_.index().end_id()) {
                const TypeRecord variable(btf_, type);
                writer_.literal(" (");
                writer_.short_text(kind_text(variable.kind()));
                writer_.literal(" '");
                writer_.string<Verbatim>(name_text(variable));
                writer_.literal("')");
            }
        });
    }

    const Btf& btf_;
    TypeRecord record_;
    TextWriter writer_;
};

[[gnu::flatten]] void write(const Btf& btf, uint32_t id, Output& output) { Lines(btf, id, output).write(); }

}  // namespace

void dump_raw(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output) {
    each_root(btf, roots, [&](uint32_t id) { write(btf, id, output); });
    output.flush();
}

}  // namespace btfmmap
