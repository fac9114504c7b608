#include "core/dump/raw.hpp"

#include "core/dump/dump_words.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;

// One type: a line, and one more for each of its elements.
class Lines {
public:
    Lines(const Btf& btf, uint32_t id, Output& output) : btf_(btf), record_(btf, id), pen_(output) {}

    void write() {
        const Kind kind = record_.kind();
        pen_.literal("[");
        pen_.number(record_.id);
        pen_.literal("] ");
        pen_.word(kind_word(kind));
        pen_.literal(" '");
        pen_.string<Verbatim>(record_.name());
        pen_.literal("'");
        body(kind);
        pen_.literal("\n");
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
                return record_.flag() ? pen_.literal(" fwd_kind=union") : pen_.literal(" fwd_kind=struct");
            case Kind::Func:
                field(" type_id=", record_.size_or_type());
                pen_.literal(" linkage=");
                return pen_.word(linkage_word(info_vlen(record_.info())));
            case Kind::FuncProto:
                return params();
            case Kind::Var:
                field(" type_id=", record_.size_or_type());
                pen_.literal(", linkage=");
                return pen_.word(linkage_word(record_.word(kHeadSize)));
            case Kind::Datasec:
                return entries();
            case Kind::Float:
                return field(" size=", record_.size_or_type());
            case Kind::DeclTag:
                field(" type_id=", record_.size_or_type());
                pen_.literal(" component_idx=");
                return pen_.signed_number(static_cast<std::int32_t>(record_.word(kHeadSize)));
            default:
                return;
        }
    }

    template <std::size_t size>
    void field(const char (&label)[size], uint32_t value) {
        pen_.literal(label);
        pen_.number(value);
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
        pen_.literal(" encoding=");
        pen_.word(encoding_word(int_encoding(word)));
    }

    void element_name(const std::byte* name_off) {
        pen_.literal("\n\t'");
        pen_.string<Verbatim>(record_.string(record_.load(name_off)));
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
        is_signed ? pen_.literal(" encoding=SIGNED") : pen_.literal(" encoding=UNSIGNED");
        size_and_count();
        record_.each_element([&](const std::byte* value) {
            const std::uint64_t low = record_.load(value + EnumField::value);
            element_name(value + EnumField::name_off);
            pen_.literal("' val=");
            if (wide) {
                const std::uint64_t bits =
                    std::uint64_t{record_.load(value + EnumField::value_high)} << 32 | low;
                is_signed ? pen_.signed_number(static_cast<std::int64_t>(bits)) : pen_.number(bits);
                is_signed ? pen_.literal("LL") : pen_.literal("ULL");
            } else {
                is_signed ? pen_.signed_number(static_cast<std::int32_t>(low)) : pen_.number(low);
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
            pen_.room();
            const uint32_t type = record_.load(entry + SecinfoField::type);
            field("\n\ttype_id=", type);
            field(" offset=", record_.load(entry + SecinfoField::offset));
            field(" size=", record_.load(entry + SecinfoField::size));
            if (type < btf_.index().end_id()) {
                const TypeRecord variable(btf_, type);
                pen_.literal(" (");
                pen_.word(kind_word(variable.kind()));
                pen_.literal(" '");
                pen_.string<Verbatim>(variable.name());
                pen_.literal("')");
            }
        });
    }

    const Btf& btf_;
    TypeRecord record_;
    TextWriter pen_;
};

[[gnu::flatten]] void write(const Btf& btf, uint32_t id, Output& output) { Lines(btf, id, output).write(); }

}  // namespace

void dump_raw(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output) {
    each_root(btf, roots, [&](uint32_t id) { write(btf, id, output); });
    output.flush();
}

}  // namespace btfmmap
