#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/analysis/sizes.hpp"
#include "core/base/bytes.hpp"
#include "core/btf/btf.hpp"
#include "core/dump/data_numbers.hpp"
#include "core/dump/data_types.hpp"
#include "core/text/output.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

// The options of libbpf's btf_dump__dump_type_data.
struct TypedDataOptions {
    bool compact = false;
    bool skip_names = false;
    bool emit_zeroes = false;
    bool emit_strings = false;
    std::string indent = "\t";
    std::int64_t indent_level = 0;
};

// Formats the bytes of values of one type as C initializers, like libbpf's btf_dump__dump_type_data.
// docs/dumps.md lists the differences.
//
// Text and time are in proportion to the size of the data. A union shows its bytes once for each member, so
// the text of nested unions could otherwise be exponentially long.
class TypedData {
public:
    // `btf` and `sizes` must outlive this object. `poll` is called at least every few milliseconds of work;
    // what it throws ends format(). Throws Error (invalid_argument) for a type without a size.
    TypedData(const Btf& btf, const Sizes& sizes, std::uint32_t type_id, TypedDataOptions options,
              std::function<void()> poll);

    // Returns the size of a value in bytes.
    std::uint64_t size() const { return size_; }
    // Returns the type's name, or "type [id]" if it has none.
    std::string type_text() const;

    // Returns the text of one value, valid until the next call. Ignores bytes past the value's size.
    //
    // Throws Error: format if there are too few bytes, or a member lies outside of them; not_supported for
    // values that have no text, and if the limits are exceeded.
    std::string_view format(Bytes data);

private:
    // The text before a value.
    struct Label {
        std::string_view indentation;
        std::string_view name;  // may be empty
        std::string_view cast;
        bool has_cast;
    };

    // How a number is written.
    enum class Base : std::uint8_t { decimal, signed_decimal, hexadecimal, text };
    struct Number {
        std::uint64_t value;
        Base base;
        std::string_view text;  // the text, or the suffix of a decimal number
    };

    // The text after a value.
    enum class Ending : std::uint8_t { none, comma, line };

    static void write_label(TextWriter& writer, const Label& label);
    static void write_end(TextWriter& writer, Ending ending);

    void show(DataPart& part, std::uint64_t at, bool in_array);
    void show_parts(DataPart& part, std::uint64_t at, bool in_array);
    void show_array(DataPart& part, std::uint64_t at, bool in_array);
    void show_characters(const DataType& element, Bytes text);
    void show_string(DataPart& part, bool in_array, Bytes text);
    void show_section(DataPart& part, std::uint64_t at, bool in_array);
    void write_section_name(DataPart& part, bool in_array);
    void begin_variable(DataPart& part, bool in_array);
    void show_scalar(DataPart& part, std::uint64_t at, bool in_array);
    void open(DataPart& part, bool in_array, char bracket);
    void close(char bracket);

    Label label(DataPart& part, bool in_array);
    std::string_view indentation();
    Ending ending() const {
        return depth_ == 0 ? Ending::none : options_.compact ? Ending::comma : Ending::line;
    }

    Number scalar(DataType& type, std::uint64_t at, unsigned bitfield_size);
    [[gnu::noinline]] Number hexadecimal(const WideNumber& value);
    [[gnu::noinline]] Number enumerator(DataType& type, const WideNumber& number, std::uint64_t bits);
    [[gnu::noinline]] Number floating_point(const DataType& type, Bytes raw);
    bool is_zero(DataType& type, std::uint64_t at, unsigned bitfield_size, unsigned depth);
    bool is_zero_array(DataType& array, std::uint64_t at, unsigned depth);

    static void use_old_bitfield(const DataType& type, std::uint64_t& at, unsigned& bitfield_size);
    Bytes bytes(const DataType& type, std::uint64_t at, std::int64_t size);
    WideNumber bits(const DataType& type, std::uint64_t at, unsigned count);

    void step(const DataType& type, unsigned depth) {
        if (depth > kMaxDepth) {
            throw_too_deep(type.id);
        }
        spend(1);
    }
    void spend(std::uint64_t steps) {
        if (steps > steps_) {
            continue_with(steps);
        }
        steps_ -= steps;
    }
    void spend_text(std::size_t size) { spend(size / kBytesPerStep); }
    void continue_with(std::uint64_t steps);
    [[noreturn]] static void throw_too_deep(std::uint32_t type_id);

    // Limits of the nesting, and of the number of values shown or compared with zero. Reading, comparing or
    // writing many bytes takes more than one step.
    static constexpr unsigned kMaxDepth = 100;
    static constexpr unsigned kMaxSections = 4;
    static constexpr std::uint64_t kStepsPerByte = 64;
    static constexpr std::uint64_t kMinSteps = 1 << 16;
    static constexpr std::uint64_t kBytesPerStep = 64;
    static constexpr std::uint64_t kStepsPerPoll = 1 << 18;

    const TypedDataOptions options_;
    const std::function<void()> poll_;
    const ByteOrder order_;
    DataTypes types_;
    DataPart root_;
    std::uint64_t size_ = 0;

    Bytes data_;
    std::uint64_t steps_ = 0;        // steps left until the next poll
    std::uint64_t steps_after_ = 0;  // those left after it
    std::uint64_t unpolled_ = 0;     // steps of values since the last poll
    unsigned depth_ = 0;             // the number of open brackets
    unsigned sections_ = 0;          // the number of DATASECs that contain the current value
    std::string indentation_;
    std::string number_;
    std::string text_;
    Output output_;
};

}  // namespace btfmmap
