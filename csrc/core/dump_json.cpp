#include "core/dump_json.hpp"

#include "core/dump_words.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

// JSON as bpftool's json_writer lays it out: names on lines of their own where it is pretty.
class Json {
public:
    Json(Output& output, bool pretty) : output_(output), pretty_(pretty) {}

    void begin(char bracket) {
        separate();
        put(bracket);
        ++depth_;
        first_ = true;
    }

    void end(char bracket) {
        --depth_;
        if (!first_) {
            new_line();
        }
        put(bracket);
        first_ = false;
    }

    void name(std::string_view name) {
        separate();
        new_line();
        string(name);
        output_.text(pretty_ ? ": " : ":");
        first_ = true;
    }

    void field(std::string_view key, std::string_view value) {
        name(key);
        separate();
        string(value);
    }

    void field(std::string_view key, uint64_t value) {
        name(key);
        separate();
        output_.number(value);
    }

    void signed_field(std::string_view key, std::int64_t value) {
        name(key);
        separate();
        output_.signed_number(value);
    }

private:
    void put(char letter) { output_.text({&letter, 1}); }

    void separate() {
        if (!first_) {
            output_.text(",");
        }
        first_ = false;
    }

    void new_line() {
        if (pretty_) {
            output_.text("\n");
            for (int i = 0; i != depth_; ++i) {
                output_.text("    ");
            }
        }
    }

    void string(std::string_view text) {
        output_.text("\"");
        std::size_t start = 0;
        for (std::size_t i = 0; i != text.size(); ++i) {
            if (const char* escape = escaped(text[i])) {
                output_.text(text.substr(start, i - start));
                output_.text(escape);
                start = i + 1;
            }
        }
        output_.text(text.substr(start));
        output_.text("\"");
    }

    static const char* escaped(char letter) {
        switch (letter) {
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
                return nullptr;
        }
    }

    Output& output_;
    bool pretty_;
    int depth_ = 0;
    bool first_ = true;
};

class Writer {
public:
    Writer(const Btf& btf, Json& json) : btf_(btf), json_(json) {}

    void write(uint32_t id) {
        const DumpRecord record(btf_, id);
        json_.begin('{');
        json_.field("id", uint64_t{id});
        json_.field("kind", kind_word(record.kind()));
        json_.field("name", record.name());
        body(record);
        json_.end('}');
    }

private:
    void body(const DumpRecord& record) {
        switch (record.kind()) {
            case Kind::Int:
                return integer(record);
            case Kind::Ptr:
            case Kind::Typedef:
            case Kind::Volatile:
            case Kind::Const:
            case Kind::Restrict:
            case Kind::TypeTag:
                return number("type_id", record.size_or_type());
            case Kind::Array:
                number("type_id", record.word(kHeadSize + ArrayField::type));
                number("index_type_id", record.word(kHeadSize + ArrayField::index_type));
                return number("nr_elems", record.word(kHeadSize + ArrayField::nelems));
            case Kind::Struct:
            case Kind::Union:
                return members(record);
            case Kind::Enum:
            case Kind::Enum64:
                return values(record);
            case Kind::Fwd:
                return json_.field("fwd_kind", std::string_view(record.flag() ? "union" : "struct"));
            case Kind::Func:
                number("type_id", record.size_or_type());
                return json_.field("linkage", linkage_word(info_vlen(record.info())));
            case Kind::FuncProto:
                return params(record);
            case Kind::Var:
                number("type_id", record.size_or_type());
                return json_.field("linkage", linkage_word(record.word(kHeadSize)));
            case Kind::Datasec:
                return entries(record);
            case Kind::Float:
                return number("size", record.size_or_type());
            case Kind::DeclTag:
                number("type_id", record.size_or_type());
                return json_.signed_field("component_idx", static_cast<std::int32_t>(record.word(kHeadSize)));
            default:
                return;
        }
    }

    void number(std::string_view key, uint32_t value) { json_.field(key, uint64_t{value}); }

    void integer(const DumpRecord& record) {
        const uint32_t word = record.word(kHeadSize);
        number("size", record.size_or_type());
        number("bits_offset", int_bit_offset(word));
        number("nr_bits", int_bits(word));
        json_.field("encoding", encoding_word(int_encoding(word)));
    }

    // An array of objects, one an element.
    template <class Element>
    void each_element(std::string_view key, const DumpRecord& record, Element write) {
        number("vlen", record.elements());
        json_.name(key);
        json_.begin('[');
        const uint32_t count = record.elements();
        for (uint32_t i = 0; i != count; ++i) {
            json_.begin('{');
            write(record.element(i));
            json_.end('}');
        }
        json_.end(']');
    }

    void element_name(const DumpRecord& record, const std::byte* word) {
        json_.field("name", record.string(record.load(word)));
    }

    void members(const DumpRecord& record) {
        const bool flag = record.flag();
        number("size", record.size_or_type());
        each_element("members", record, [&](const std::byte* member) {
            const uint32_t offset = record.load(member + MemberField::offset);
            element_name(record, member + MemberField::name_off);
            number("type_id", record.load(member + MemberField::type));
            number("bits_offset", member_bit_offset(offset, flag));
            if (const std::uint8_t size = member_bitfield_size(offset, flag)) {
                number("bitfield_size", size);
            }
        });
    }

    void values(const DumpRecord& record) {
        const bool is_signed = record.flag();
        const bool wide = record.kind() == Kind::Enum64;
        json_.field("encoding", std::string_view(is_signed ? "SIGNED" : "UNSIGNED"));
        number("size", record.size_or_type());
        each_element("values", record, [&](const std::byte* value) {
            element_name(record, value + EnumField::name_off);
            // bpftool extends an unsigned value's top bit too; the enumerators table has it right.
            auto bits =
                static_cast<std::int64_t>(static_cast<std::int32_t>(record.load(value + EnumField::value)));
            if (wide) {
                const uint64_t high = record.load(value + EnumField::value_high);
                bits = static_cast<std::int64_t>(high << 32 | static_cast<uint32_t>(bits));
            }
            is_signed ? json_.signed_field("val", bits) : json_.field("val", static_cast<uint64_t>(bits));
        });
    }

    void params(const DumpRecord& record) {
        number("ret_type_id", record.size_or_type());
        each_element("params", record, [&](const std::byte* param) {
            element_name(record, param + ParamField::name_off);
            number("type_id", record.load(param + ParamField::type));
        });
    }

    void entries(const DumpRecord& record) {
        number("size", record.size_or_type());
        each_element("vars", record, [&](const std::byte* entry) {
            number("type_id", record.load(entry + SecinfoField::type));
            number("offset", record.load(entry + SecinfoField::offset));
            number("size", record.load(entry + SecinfoField::size));
        });
    }

    const Btf& btf_;
    Json& json_;
};

}  // namespace

void dump_json(const Btf& btf, const std::vector<std::int64_t>& roots, bool pretty, Output& output) {
    Json json(output, pretty);
    Writer writer(btf, json);
    json.begin('{');
    json.name("types");
    json.begin('[');
    each_root(btf, roots, [&](uint32_t id) { writer.write(id); });
    json.end(']');
    json.end('}');
    output.text("\n");
    output.flush();
}

}  // namespace btfmmap
