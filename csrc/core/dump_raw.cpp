#include "core/dump_raw.hpp"

#include "core/dump_words.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

class Writer {
public:
    Writer(const Btf& btf, Output& output) : btf_(btf), output_(output) {}

    void write(uint32_t id) {
        const DumpRecord record(btf_, id);
        const Kind kind = record.kind();
        output_.text("[");
        output_.number(id);
        output_.text("] ");
        output_.text(kind_word(kind));
        output_.text(" ");
        quoted(record.name());
        switch (kind) {
            case Kind::Int:
                integer(record);
                break;
            case Kind::Ptr:
            case Kind::Typedef:
            case Kind::Volatile:
            case Kind::Const:
            case Kind::Restrict:
            case Kind::TypeTag:
                field(" type_id=", record.size_or_type());
                break;
            case Kind::Array:
                field(" type_id=", record.word(kHeadSize + ArrayField::type));
                field(" index_type_id=", record.word(kHeadSize + ArrayField::index_type));
                field(" nr_elems=", record.word(kHeadSize + ArrayField::nelems));
                break;
            case Kind::Struct:
            case Kind::Union:
                members(record);
                break;
            case Kind::Enum:
            case Kind::Enum64:
                values(record);
                break;
            case Kind::Fwd:
                output_.text(record.flag() ? " fwd_kind=union" : " fwd_kind=struct");
                break;
            case Kind::Func:
                field(" type_id=", record.size_or_type());
                linkage(" linkage=", info_vlen(record.info()));
                break;
            case Kind::FuncProto:
                params(record);
                break;
            case Kind::Var:
                field(" type_id=", record.size_or_type());
                linkage(", linkage=", record.word(kHeadSize));
                break;
            case Kind::Datasec:
                entries(record);
                break;
            case Kind::Float:
                field(" size=", record.size_or_type());
                break;
            case Kind::DeclTag:
                field(" type_id=", record.size_or_type());
                output_.text(" component_idx=");
                output_.signed_number(static_cast<std::int32_t>(record.word(kHeadSize)));
                break;
            default:
                break;
        }
        output_.text("\n");
    }

private:
    void quoted(std::string_view name) {
        output_.text("'");
        output_.text(name);
        output_.text("'");
    }

    void field(std::string_view label, uint32_t value) {
        output_.text(label);
        output_.number(value);
    }

    void linkage(std::string_view label, uint32_t value) {
        output_.text(label);
        output_.text(linkage_word(value));
    }

    void size_and_count(const DumpRecord& record) {
        field(" size=", record.size_or_type());
        field(" vlen=", record.elements());
    }

    void integer(const DumpRecord& record) {
        const uint32_t word = record.word(kHeadSize);
        field(" size=", record.size_or_type());
        field(" bits_offset=", int_bit_offset(word));
        field(" nr_bits=", int_bits(word));
        output_.text(" encoding=");
        output_.text(encoding_word(int_encoding(word)));
    }

    void element_name(const DumpRecord& record, const std::byte* element) {
        output_.text("\n\t");
        quoted(record.string(record.load(element)));
    }

    void members(const DumpRecord& record) {
        size_and_count(record);
        const bool flag = record.flag();
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* member = record.element(i);
            const uint32_t offset = record.load(member + MemberField::offset);
            element_name(record, member + MemberField::name_off);
            field(" type_id=", record.load(member + MemberField::type));
            field(" bits_offset=", member_bit_offset(offset, flag));
            if (const std::uint8_t size = member_bitfield_size(offset, flag)) {
                field(" bitfield_size=", size);
            }
        }
    }

    void values(const DumpRecord& record) {
        const bool is_signed = record.flag();
        const bool wide = record.kind() == Kind::Enum64;
        output_.text(is_signed ? " encoding=SIGNED" : " encoding=UNSIGNED");
        size_and_count(record);
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* value = record.element(i);
            const std::uint64_t low = record.load(value + EnumField::value);
            element_name(record, value + EnumField::name_off);
            output_.text(" val=");
            if (wide) {
                const std::uint64_t bits =
                    std::uint64_t{record.load(value + EnumField::value_high)} << 32 | low;
                is_signed ? output_.signed_number(static_cast<std::int64_t>(bits)) : output_.number(bits);
                output_.text(is_signed ? "LL" : "ULL");
            } else {
                is_signed ? output_.signed_number(static_cast<std::int32_t>(low)) : output_.number(low);
            }
        }
    }

    void params(const DumpRecord& record) {
        field(" ret_type_id=", record.size_or_type());
        field(" vlen=", record.elements());
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* param = record.element(i);
            element_name(record, param + ParamField::name_off);
            field(" type_id=", record.load(param + ParamField::type));
        }
    }

    void entries(const DumpRecord& record) {
        size_and_count(record);
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            const std::byte* entry = record.element(i);
            const uint32_t type = record.load(entry + SecinfoField::type);
            field("\n\ttype_id=", type);
            field(" offset=", record.load(entry + SecinfoField::offset));
            field(" size=", record.load(entry + SecinfoField::size));
            if (type < btf_.index().end_id()) {
                const DumpRecord variable(btf_, type);
                output_.text(" (");
                output_.text(kind_word(variable.kind()));
                output_.text(" ");
                quoted(variable.name());
                output_.text(")");
            }
        }
    }

    const Btf& btf_;
    Output& output_;
};

}  // namespace

void dump_raw(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output) {
    Writer writer(btf, output);
    each_root(btf, roots, [&](uint32_t id) { writer.write(id); });
    output.flush();
}

}  // namespace btfmmap
