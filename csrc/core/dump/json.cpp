#include "core/dump/json.hpp"

#include "core/btf/record.hpp"
#include "core/dump/record_text.hpp"
#include "core/dump/roots.hpp"
#include "core/format/kind_text.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

// Escapes the characters that bpftool's json_writer escapes. Other control characters are written as they
// are.
struct JsonEscapes {
    static U8x16 stop_mask(U8x16 characters) {
        return lane_mask((characters < 0x20) | (characters == '"') | (characters == '\\'));
    }
    static std::string_view escape(char character) {
        switch (character) {
            case '\t':
                return "\\t";
            case '\n':
                return "\\n";
            case '\r':
                return "\\r";
            case '\f':
                return "\\f";
            case '\b':
                return "\\b";
            case '\\':
                return "\\\\";
            case '"':
                return "\\\"";
            default:
                return {};
        }
    }
};

// Writes one type as an object. Keys include the character before them, after which a pretty dump starts a
// new line: {"key": or ,"key":
template <bool pretty>
class Object {
public:
    Object(const Btf& btf, uint32_t id, Output& output) : record_(btf, id), writer_(output) {}

    void write(bool first) {
        if (!first) {
            writer_.literal(",");
        }
        field(R"({"id":)", record_.id);
        const Kind kind = record_.kind();
        text_field(R"(,"kind":)", kind_text(kind));
        key(R"(,"name":)", kIndent);
        string(name_text(record_));
        body(kind);
        close("\n        ", "}");
    }

private:
    static constexpr char kIndent[] = "\n            ";
    static constexpr char kElementIndent[] = "\n                    ";

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
                return field(R"(,"type_id":)", record_.size_or_type());
            case Kind::Array:
                field(R"(,"type_id":)", record_.word(kHeadSize + ArrayField::type));
                field(R"(,"index_type_id":)", record_.word(kHeadSize + ArrayField::index_type));
                return field(R"(,"nr_elems":)", record_.word(kHeadSize + ArrayField::nelems));
            case Kind::Struct:
            case Kind::Union:
                return members();
            case Kind::Enum:
                return values(false);
            case Kind::Enum64:
                return values(true);
            case Kind::Fwd:
                return text_field(R"(,"fwd_kind":)",
                                  record_.flag() ? ShortText("union") : ShortText("struct"));
            case Kind::Func:
                field(R"(,"type_id":)", record_.size_or_type());
                return text_field(R"(,"linkage":)", linkage_text(info_vlen(record_.info())));
            case Kind::FuncProto:
                return params();
            case Kind::Var:
                field(R"(,"type_id":)", record_.size_or_type());
                return text_field(R"(,"linkage":)", linkage_text(record_.word(kHeadSize)));
            case Kind::Datasec:
                return entries();
            case Kind::Float:
                return field(R"(,"size":)", record_.size_or_type());
            case Kind::DeclTag:
                field(R"(,"type_id":)", record_.size_or_type());
                key(R"(,"component_idx":)", kIndent);
                return writer_.signed_number(static_cast<std::int32_t>(record_.word(kHeadSize)));
            default:
                return;
        }
    }

    template <std::size_t size, std::size_t indent_size>
    void key(const char (&name)[size], const char (&indent)[indent_size]) {
        if constexpr (pretty) {
            writer_.text({name, 1});
            writer_.literal(indent);
            writer_.text({name + 1, size - 2});
            writer_.literal(" ");
        } else {
            writer_.literal(name);
        }
    }

    template <std::size_t indent_size, std::size_t size>
    void close(const char (&indent)[indent_size], const char (&bracket)[size]) {
        if constexpr (pretty) {
            writer_.literal(indent);
        }
        writer_.literal(bracket);
    }

    template <std::size_t size>
    void field(const char (&name)[size], uint32_t value) {
        key(name, kIndent);
        writer_.number(value);
    }

    template <std::size_t size>
    void element_field(const char (&name)[size], uint32_t value) {
        key(name, kElementIndent);
        writer_.number(value);
    }

    template <std::size_t size>
    void text_field(const char (&name)[size], const ShortText& value) {
        key(name, kIndent);
        writer_.literal("\"");
        writer_.short_text(value);
        writer_.literal("\"");
    }

    void string(Bytes bytes) {
        writer_.literal("\"");
        writer_.template string<JsonEscapes>(bytes);
        writer_.literal("\"");
    }

    void integer() {
        const uint32_t word = record_.word(kHeadSize);
        field(R"(,"size":)", record_.size_or_type());
        field(R"(,"bits_offset":)", int_bit_offset(word));
        field(R"(,"nr_bits":)", int_bits(word));
        text_field(R"(,"encoding":)", encoding_text(int_encoding(word)));
    }

    // Writes an array with one object per element.
    template <std::size_t size, class Write>
    void array(const char (&name)[size], Write write) {
        field(R"(,"vlen":)", record_.elements());
        key(name, kIndent);
        writer_.literal("[");
        bool first = true;
        record_.each_element([&](const std::byte* element) {
            if (!first) {
                writer_.literal(",");
            }
            first = false;
            write(element);
            close("\n                ", "}");
        });
        if (first) {
            writer_.literal("]");
        } else {
            close(kIndent, "]");
        }
    }

    void element_name(const std::byte* name_off) {
        key(R"({"name":)", kElementIndent);
        string(string_text(record_, record_.load(name_off)));
    }

    void members() {
        const bool flag = record_.flag();
        field(R"(,"size":)", record_.size_or_type());
        array(R"(,"members":)", [&](const std::byte* member) {
            const uint32_t offset = record_.load(member + MemberField::offset);
            element_name(member + MemberField::name_off);
            element_field(R"(,"type_id":)", record_.load(member + MemberField::type));
            element_field(R"(,"bits_offset":)", member_bit_offset(offset, flag));
            if (const std::uint8_t size = member_bitfield_size(offset, flag)) {
                element_field(R"(,"bitfield_size":)", size);
            }
        });
    }

    void values(bool wide) {
        const bool is_signed = record_.flag();
        text_field(R"(,"encoding":)", is_signed ? ShortText("SIGNED") : ShortText("UNSIGNED"));
        field(R"(,"size":)", record_.size_or_type());
        array(R"(,"values":)", [&](const std::byte* value) {
            element_name(value + EnumField::name_off);
            key(R"(,"val":)", kElementIndent);
            // bpftool sign-extends unsigned values too, so this does the same. The enumerators table has the
            // correct values.
            auto bits =
                static_cast<std::int64_t>(static_cast<std::int32_t>(record_.load(value + EnumField::value)));
            if (wide) {
                const uint64_t high = record_.load(value + EnumField::value_high);
                bits = static_cast<std::int64_t>(high << 32 | static_cast<uint32_t>(bits));
            }
            is_signed ? writer_.signed_number(bits) : writer_.number(static_cast<uint64_t>(bits));
        });
    }

    void params() {
        field(R"(,"ret_type_id":)", record_.size_or_type());
        array(R"(,"params":)", [&](const std::byte* param) {
            element_name(param + ParamField::name_off);
            element_field(R"(,"type_id":)", record_.load(param + ParamField::type));
        });
    }

    void entries() {
        field(R"(,"size":)", record_.size_or_type());
        array(R"(,"vars":)", [&](const std::byte* entry) {
            writer_.ensure_slack();
            element_field(R"({"type_id":)", record_.load(entry + SecinfoField::type));
            element_field(R"(,"offset":)", record_.load(entry + SecinfoField::offset));
            element_field(R"(,"size":)", record_.load(entry + SecinfoField::size));
        });
    }

    TypeRecord record_;
    TextWriter writer_;
};

template <bool pretty>
[[gnu::flatten]] void write(const Btf& btf, uint32_t id, bool first, Output& output) {
    Object<pretty>(btf, id, output).write(first);
}

template <bool pretty>
void dump(const Btf& btf, const std::vector<std::int64_t>& roots, Output& output) {
    write_text(output, pretty ? "{\n    \"types\": [" : R"({"types":[)");
    bool first = true;
    each_root(btf, roots, [&](uint32_t id) {
        write<pretty>(btf, id, first, output);
        first = false;
    });
    write_text(output, !pretty ? "]}\n" : first ? "]\n}\n" : "\n    ]\n}\n");
    output.flush();
}

}  // namespace

void dump_json(const Btf& btf, const std::vector<std::int64_t>& roots, bool pretty, Output& output) {
    pretty ? dump<true>(btf, roots, output) : dump<false>(btf, roots, output);
}

}  // namespace btfmmap
