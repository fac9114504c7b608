#include "core/dump/typed_data.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "core/base/error.hpp"
#include "core/btf/record.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap {

namespace {

using std::uint32_t;
using std::uint64_t;

constexpr std::size_t kPieceSize = 1 << 14;  // of the output, which is short for most types

bool all_zero(Bytes bytes) {
    return bytes.size == 0 ||
           (bytes.data[0] == std::byte{0} && std::memcmp(bytes.data, bytes.data + 1, bytes.size - 1) == 0);
}

// Returns the position of the first zero, or the size if there is none.
std::size_t find_zero(Bytes bytes) {
    const void* found = bytes.size == 0 ? nullptr : std::memchr(bytes.data, 0, bytes.size);
    return found == nullptr ? bytes.size
                            : static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data);
}

bool is_printable(unsigned character) { return character >= 0x20 && character < 0x7f; }

constexpr char kHexDigits[] = "0123456789abcdef";

// Inlined, as TextWriter demands.
inline void write_hexadecimal(TextWriter& writer, uint64_t value) {
    char digits[18];
    char* first = digits + sizeof digits;
    do {
        *--first = kHexDigits[value & 0xf];
        value >>= 4;
    } while (value != 0);
    *--first = 'x';
    *--first = '0';
    writer.text({first, static_cast<std::size_t>(digits + sizeof digits - first)});
}

double from_half(unsigned bits) {
    const int exponent = static_cast<int>(bits >> 10 & 0x1f);
    const double fraction = bits & 0x3ff;
    const double magnitude = exponent == 0x1f ? (fraction == 0 ? std::numeric_limits<double>::infinity()
                                                               : std::numeric_limits<double>::quiet_NaN())
                             : exponent == 0  ? std::ldexp(fraction, -24)
                                              : std::ldexp(fraction + 0x400, exponent - 25);
    return std::copysign(magnitude, (bits & 0x8000) != 0 ? -1.0 : 1.0);
}

template <class Float, class Bits>
double from_bits(uint64_t value) {
    const auto bits = static_cast<Bits>(value);
    Float number;
    static_assert(sizeof number == sizeof bits);
    std::memcpy(&number, &bits, sizeof number);
    return static_cast<double>(number);
}

// Formats as printf's %f does in the locale "C".
std::string fixed_point(double value) {
    if (std::isnan(value)) {
        return std::signbit(value) ? "-nan" : "nan";
    }
    char text[512];  // the largest double has 309 digits before the decimal point
    const int size = std::snprintf(text, sizeof text, "%f", value);
    std::string number(text, static_cast<std::size_t>(size));
    if (std::isfinite(value)) {
        // The decimal point of the current locale may be another text.
        constexpr std::size_t decimals = 6;
        const std::size_t point = number.find_first_not_of("-0123456789");
        number.replace(point, number.size() - decimals - point, ".");
    }
    return number;
}

}  // namespace

TypedData::TypedData(const Btf& btf, const Sizes& sizes, uint32_t type_id, TypedDataOptions options,
                     std::function<void()> poll)
    : options_(std::move(options)),
      poll_(std::move(poll)),
      order_(btf.index().order()),
      types_(btf, sizes),
      root_(types_.part(type_id)),
      output_([this](const Output::Buffer& buffer, std::size_t size) { text_.append(buffer.get(), size); },
              kPieceSize) {
    const TypeRecord record(btf, type_id);
    const std::int64_t size = sizes.size(record.kind() == Kind::Var ? record.target() : type_id);
    if (size < 0) {
        throw Error::invalid_argument("type [" + std::to_string(type_id) + "] is of kind " +
                                      kind_name(record.kind()) + " and has no size");
    }
    size_ = static_cast<uint64_t>(size);
}

std::string TypedData::type_text() const {
    const std::string name(types_.name(root_.declared->id));
    return name.empty() ? "type [" + std::to_string(root_.declared->id) + "]" : name;
}

std::string_view TypedData::format(Bytes data) {
    if (data.size < size_) {
        throw Error::format(type_text() + " has " + std::to_string(size_) + " bytes, but data has " +
                                std::to_string(data.size) + "; pad it with zeros",
                            {}, root_.declared->id);
    }
    data_ = data;
    depth_ = sections_ = 0;
    text_.clear();
    const uint64_t most = kMinSteps + kStepsPerByte * data.size;
    if (unpolled_ >= kStepsPerPoll) {
        poll_();
        unpolled_ = 0;
    }
    steps_ = std::min(most, kStepsPerPoll);
    steps_after_ = most - steps_;
    show(root_, 0, false);
    unpolled_ += most - steps_after_ - steps_;
    output_.flush();
    return text_;
}

// Called when `steps` exceeds the steps until the next poll.
void TypedData::continue_with(uint64_t steps) {
    poll_();
    const uint64_t more = std::min(steps_after_, std::max(steps, kStepsPerPoll));
    steps_after_ -= more;
    steps_ += more;
    if (steps > steps_) {
        throw Error::not_supported("type [" + std::to_string(root_.declared->id) +
                                   "] has too many members to format for " + std::to_string(data_.size) +
                                   " bytes");
    }
}

void TypedData::throw_too_deep(uint32_t type_id) {
    throw Error::not_supported("type [" + std::to_string(type_id) + "] is nested more than " +
                               std::to_string(kMaxDepth) + " types deep, too deep to format");
}

// -- text

inline void TypedData::write_label(TextWriter& writer, const Label& label) {
    writer.text(label.indentation);
    if (!label.name.empty()) {
        writer.literal(".");
        writer.text(label.name);
        writer.literal(" = ");
    }
    if (label.has_cast) {
        writer.literal("(");
        writer.text(label.cast);
        writer.literal(")");
    }
}

inline void TypedData::write_end(TextWriter& writer, Ending ending) {
    if (ending == Ending::line) {
        writer.literal(",\n");
    } else if (ending == Ending::comma) {
        writer.literal(",");
    }
}

// Writes a value, with its name and cast unless it is an element of an array. Writes nothing for a zero that
// may be omitted. As in libbpf, members of an element have no casts and are never omitted.
void TypedData::show(DataPart& first, uint64_t at, bool in_array) {
    for (DataPart* part = &first;;) {
        DataType& type = *part->type;
        step(type, depth_);
        if (depth_ != 0 && !options_.emit_zeroes && !in_array &&
            is_zero(type, at, part->bitfield_size, depth_)) {
            return;
        }
        switch (type.kind) {
            case Kind::Struct:
            case Kind::Union:
                return show_parts(*part, at, in_array);
            case Kind::Array:
                return show_array(*part, at, in_array);
            case Kind::Datasec:
                return show_section(*part, at, in_array);
            case Kind::Var:
                begin_variable(*part, in_array);
                part = types_.parts(type).data;
                in_array = false;
                break;
            default:
                return show_scalar(*part, at, in_array);
        }
    }
}

// Returns the text before a value. Elements of arrays have no casts.
TypedData::Label TypedData::label(DataPart& part, bool in_array) {
    Label label{indentation(), {}, {}, false};
    if (!options_.skip_names) {
        if (part.name.data() == nullptr) {
            part.name = types_.string(part.name_off);
        }
        label.name = part.name;
        label.has_cast = !in_array && part.type->kind != Kind::Var && part.type->kind != Kind::Datasec;
        if (label.has_cast) {
            label.cast = types_.cast(*part.declared);
        }
        spend_text(label.name.size() + label.cast.size());
    }
    return label;
}

std::string_view TypedData::indentation() {
    if (options_.compact) {
        return {};
    }
    constexpr std::int64_t max_level = std::numeric_limits<std::int64_t>::max() - kMaxDepth - 1;
    const std::int64_t level = std::min(options_.indent_level, max_level) + depth_;
    const auto levels = static_cast<uint64_t>(std::max<std::int64_t>(0, level));
    if (!options_.indent.empty() && levels > indentation_.max_size() / options_.indent.size()) {
        throw std::bad_alloc();
    }
    const std::size_t size = options_.indent.size() * static_cast<std::size_t>(levels);
    while (indentation_.size() < size) {
        indentation_ += options_.indent;
    }
    return {indentation_.data(), size};
}

[[gnu::flatten]] void TypedData::open(DataPart& part, bool in_array, char bracket) {
    const Label label = this->label(part, in_array);
    TextWriter writer(output_);
    write_label(writer, label);
    writer.text({&bracket, 1});
    if (!options_.compact) {
        writer.literal("\n");
    }
    ++depth_;
}

[[gnu::flatten]] void TypedData::close(char bracket) {
    --depth_;
    const std::string_view indentation = this->indentation();
    TextWriter writer(output_);
    writer.text(indentation);
    writer.text({&bracket, 1});
    write_end(writer, ending());
}

void TypedData::show_parts(DataPart& part, uint64_t at, bool in_array) {
    open(part, in_array, '{');
    for (DataPart& member : types_.parts(*part.type)) {
        show(member, at + member.bit_offset, in_array);
    }
    close('}');
}

void TypedData::show_array(DataPart& part, uint64_t at, bool in_array) {
    DataType& array = *part.type;
    DataPart& element = *types_.parts(array).data;
    const bool are_characters = element.type->is_character();
    if (are_characters && options_.emit_strings) {
        const Bytes text = bytes(array, at, array.nelems);
        const std::size_t end = find_zero(text);
        if (end != text.size) {
            return show_string(part, in_array, {text.data, end});
        }
    }
    open(part, in_array, '[');
    if (are_characters) {
        show_characters(*element.type, bytes(array, at, array.nelems));
    } else if (element.type->size > 0) {
        const uint64_t bits = 8 * static_cast<uint64_t>(element.type->size);
        for (uint32_t number = 0; number != array.nelems; ++number) {
            show(element, at + bits * number, true);
        }
    }
    close(']');
}

// Writes characters without the zeros at the end. With emit_zeroes, one zero represents them.
[[gnu::flatten]] void TypedData::show_characters(const DataType& element, Bytes text) {
    std::size_t shown = text.size;
    while (shown != 0 && text.data[shown - 1] == std::byte{0}) {
        --shown;
    }
    if (options_.emit_zeroes && shown != text.size) {
        ++shown;
    }
    if (shown == 0) {
        return;
    }
    step(element, depth_);
    spend(shown - 1);
    const std::string_view indentation = this->indentation();
    const Ending ending = this->ending();
    TextWriter writer(output_);
    for (std::size_t i = 0; i != shown; ++i) {
        writer.text(indentation);
        const auto byte = std::to_integer<std::uint8_t>(text.data[i]);
        if (byte == 0) {
            writer.literal("'\\0'");
        } else if (is_printable(byte)) {
            const char quoted[] = {'\'', static_cast<char>(byte), '\''};
            writer.text({quoted, sizeof quoted});
        } else {
            writer.signed_number(element.is_signed ? static_cast<std::int8_t>(byte) : int{byte});
        }
        write_end(writer, ending);
    }
}

[[gnu::flatten]] void TypedData::show_string(DataPart& part, bool in_array, Bytes text) {
    spend(text.size / sizeof(uint64_t));
    const Label label = this->label(part, in_array);
    TextWriter writer(output_);
    write_label(writer, label);
    writer.literal("\"");
    for (std::size_t i = 0; i != text.size; ++i) {
        const auto byte = std::to_integer<unsigned>(text.data[i]);
        const char plain[] = {static_cast<char>(byte)};
        const char escape[] = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 0xf]};
        is_printable(byte) ? writer.text({plain, sizeof plain}) : writer.text({escape, sizeof escape});
    }
    writer.literal("\"");
    write_end(writer, ending());
}

[[gnu::flatten]] void TypedData::begin_variable(DataPart& part, bool in_array) {
    const Label label = this->label(part, in_array);
    const std::string_view type = types_.cast(*types_.parts(*part.type).data->declared);
    const std::string_view name = types_.name(part.type->id);
    const uint32_t linkage = part.type->linkage;
    spend_text(type.size() + name.size());
    TextWriter writer(output_);
    write_label(writer, label);
    if (linkage == 0) {
        writer.literal("static ");
    } else if (linkage == 2) {
        writer.literal("extern ");
    }
    writer.text(type);
    writer.literal(" ");
    writer.text(name);
    writer.literal(" = ");
}

void TypedData::show_section(DataPart& part, uint64_t at, bool in_array) {
    DataType& section = *part.type;
    if (sections_ == kMaxSections) {
        throw Error::not_supported("type [" + std::to_string(section.id) + "] is a DATASEC inside of " +
                                   std::to_string(kMaxSections) + " others, too deep to format");
    }
    ++sections_;
    write_section_name(part, in_array);
    for (DataPart& variable : types_.parts(section)) {
        show(variable, at + variable.bit_offset, false);
        write_text(output_, ";");
    }
    --sections_;
}

[[gnu::flatten]] void TypedData::write_section_name(DataPart& part, bool in_array) {
    const Label label = this->label(part, in_array);
    const std::string_view name = types_.name(part.type->id);
    spend_text(name.size());
    TextWriter writer(output_);
    write_label(writer, label);
    writer.literal("SEC(\"");
    writer.text(name);
    writer.literal("\") ");
    write_end(writer, ending());
}

[[gnu::flatten]] void TypedData::show_scalar(DataPart& part, uint64_t at, bool in_array) {
    const Label label = this->label(part, in_array);
    const Number number = scalar(*part.type, at, part.bitfield_size);
    TextWriter writer(output_);
    write_label(writer, label);
    switch (number.base) {
        case Base::decimal:
            writer.number(number.value);
            writer.text(number.text);
            break;
        case Base::signed_decimal:
            writer.signed_number(static_cast<std::int64_t>(number.value));
            writer.text(number.text);
            break;
        case Base::hexadecimal:
            write_hexadecimal(writer, number.value);
            break;
        case Base::text:
            writer.text(number.text);
            break;
    }
    write_end(writer, ending());
}

// -- values

TypedData::Number TypedData::scalar(DataType& type, uint64_t at, unsigned bitfield_size) {
    use_old_bitfield(type, at, bitfield_size);
    if (bitfield_size != 0) {
        const WideNumber value = bits(type, at, bitfield_size);
        return is_enum(type.kind) ? enumerator(type, value, bitfield_size) : hexadecimal(value);
    }
    const Bytes raw = bytes(type, at, type.size);
    switch (type.kind) {
        case Kind::Int: {
            if (raw.size > sizeof(uint64_t)) {
                return hexadecimal({raw, 0, 8 * uint64_t{raw.size}, order_});
            }
            const uint64_t value = load_integer(raw, order_);
            if (type.is_signed && raw.size != 0) {
                return {sign_extended(value, 8 * static_cast<unsigned>(raw.size)), Base::signed_decimal, {}};
            }
            return {value, Base::decimal, {}};
        }
        case Kind::Ptr:
            return {load_integer(raw, order_), Base::hexadecimal, {}};
        case Kind::Enum:
        case Kind::Enum64:
            return enumerator(type, {raw, 0, 8 * uint64_t{raw.size}, order_}, 8 * uint64_t{raw.size});
        case Kind::Float:
            return floating_point(type, raw);
        default:
            throw Error::not_supported("type [" + std::to_string(type.id) + "] is of kind " +
                                       kind_name(type.kind) + ", which has no values");
    }
}

// Before Linux 5.0, an INT could be a bitfield of its own.
void TypedData::use_old_bitfield(const DataType& type, uint64_t& at, unsigned& bitfield_size) {
    if (bitfield_size == 0 && type.int_bits != 0) {
        at += type.int_offset;
        bitfield_size = type.int_bits;
    }
}

TypedData::Number TypedData::hexadecimal(const WideNumber& value) {
    const uint64_t size = value.significant_bytes();
    if (size <= sizeof(uint64_t)) {
        return {value.low(), Base::hexadecimal, {}};
    }
    spend(size / sizeof(uint64_t));
    number_ = "0x";
    for (uint64_t i = size; i != 0; --i) {
        const unsigned byte = value.byte(i - 1);
        if (i != size || byte > 0xf) {
            number_ += kHexDigits[byte >> 4];
        }
        number_ += kHexDigits[byte & 0xf];
    }
    return {0, Base::text, number_};
}

// Returns the name of an enum's value, or the number if it has none. No compiler writes enums of more than 64
// bits; numbers that need more are shown in hexadecimal.
TypedData::Number TypedData::enumerator(DataType& type, const WideNumber& number, uint64_t bits) {
    uint64_t value = number.low();
    const bool has_top_bit = value >> 63 != 0;
    if (bits > 64 && (number.significant_bytes() > sizeof value || (type.is_signed && has_top_bit))) {
        return hexadecimal(number);
    }
    if (type.is_signed && bits != 0 && bits <= 64) {
        value = sign_extended(value, static_cast<unsigned>(bits));
    }
    const std::string_view name = types_.enumerator(type, value);
    if (!name.empty()) {
        spend_text(name.size());
        return {0, Base::text, name};
    }
    if (type.is_signed) {
        return {value, Base::signed_decimal, type.kind == Kind::Enum64 ? "LL" : ""};
    }
    return {value, Base::decimal, type.kind == Kind::Enum64 ? "ULL" : ""};
}

TypedData::Number TypedData::floating_point(const DataType& type, Bytes raw) {
    const uint64_t bits = raw.size <= sizeof bits ? load_integer(raw, order_) : 0;
    switch (raw.size) {
        case 2:
            number_ = fixed_point(from_half(static_cast<unsigned>(bits)));
            break;
        case 4:
            number_ = fixed_point(from_bits<float, uint32_t>(bits));
            break;
        case 8:
            number_ = fixed_point(from_bits<double, uint64_t>(bits));
            break;
        default:
            throw Error::not_supported("type [" + std::to_string(type.id) + "] is a float of " +
                                       std::to_string(raw.size) + " bytes, whose format BTF does not record");
    }
    return {0, Base::text, number_};
}

// Whether all values that would be shown are zero. Bytes between members are ignored.
bool TypedData::is_zero(DataType& type, uint64_t at, unsigned bitfield_size, unsigned depth) {
    step(type, depth);
    use_old_bitfield(type, at, bitfield_size);
    if (bitfield_size != 0) {
        return bits(type, at, bitfield_size).is_zero();
    }
    if (type.is_scalar()) {
        return all_zero(bytes(type, at, type.size));
    }
    if (is_composite(type.kind)) {
        const auto members = types_.parts(type);
        return std::all_of(members.begin(), members.end(), [&](const DataPart& member) {
            return is_zero(*member.type, at + member.bit_offset, member.bitfield_size, depth + 1);
        });
    }
    return type.kind == Kind::Array && is_zero_array(type, at, depth);
}

bool TypedData::is_zero_array(DataType& array, uint64_t at, unsigned depth) {
    DataType& element = *types_.parts(array).data->type;
    const auto size = static_cast<uint64_t>(std::max<std::int64_t>(0, element.size));
    constexpr uint64_t max_size = std::numeric_limits<std::int64_t>::max();
    const Bytes raw = bytes(array, at, static_cast<std::int64_t>(std::min(max_size, array.nelems * size)));
    if (all_zero(raw)) {
        return true;
    }
    if (options_.emit_strings && element.is_character() && find_zero(raw) == 0) {
        return true;
    }
    if (element.is_scalar()) {
        return false;
    }
    for (uint32_t number = 0; number != array.nelems; ++number) {
        if (!is_zero(element, at + 8 * size * number, 0, depth + 1)) {
            return false;
        }
    }
    return true;
}

// -- data

// Returns bytes of the data; none for a type without a size. Throws Error (format) past its end.
Bytes TypedData::bytes(const DataType& type, uint64_t at, std::int64_t size) {
    const uint64_t start = at / 8;
    if (size > static_cast<std::int64_t>(data_.size) - static_cast<std::int64_t>(start)) {
        throw Error::format("type [" + std::to_string(type.id) + "] ends at byte " +
                                std::to_string(start + static_cast<uint64_t>(size)) + ", but data has " +
                                std::to_string(data_.size) + " bytes",
                            {}, type.id);
    }
    if (size <= 0) {
        return {};
    }
    const auto length = static_cast<std::size_t>(size);
    spend_text(length);
    return {data_.data + static_cast<std::size_t>(start), length};
}

// Returns a bitfield.
WideNumber TypedData::bits(const DataType& type, uint64_t at, unsigned count) {
    const auto first = static_cast<unsigned>(at % 8);
    return {bytes(type, at, (first + count + 7) / 8), first, count, order_};
}

}  // namespace btfmmap
