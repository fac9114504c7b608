#include "core/index.hpp"

#include <string>

#include "core/error.hpp"

namespace btfmmap {

namespace {

// Notes where records start until the section is used up; returns how many rows that made.
template <class Load>
std::size_t walk(Bytes types, std::size_t types_start, std::uint32_t* offsets, std::uint8_t* kinds) {
    offsets[0] = 0;
    kinds[0] = static_cast<std::uint8_t>(Kind::Void);
    std::size_t rows = 1;
    std::size_t at = 0;
    const auto malformed = [&](const std::string& what) {
        return Error::format("type [" + std::to_string(rows) + "] " + what, types_start + at,
                             static_cast<std::uint32_t>(rows));
    };
    while (at != types.size) {
        const std::size_t left = types.size - at;
        if (left < kHeadSize) {
            throw malformed("is cut short: a record has at least " + std::to_string(kHeadSize) + " bytes, " +
                            std::to_string(left) + " are left in the type section");
        }
        const std::uint32_t info = Load::u32(types.data + at + HeadField::info);
        const std::uint8_t kind = info_kind(info);
        const Shape& shape = kShapes[kind];
        if (!shape.known) {
            throw malformed("has the unknown kind " + std::to_string(kind));
        }
        const std::size_t size = shape.record_size(info_vlen(info));
        if (size > left) {
            throw malformed("is cut short: its record has " + std::to_string(size) + " bytes, " +
                            std::to_string(left) + " are left in the type section");
        }
        offsets[rows] = static_cast<std::uint32_t>(at);
        kinds[rows] = kind;
        ++rows;
        at += size;
    }
    offsets[rows] = static_cast<std::uint32_t>(at);
    return rows;
}

// The words of one record that point elsewhere, checked against what they may point to.
template <class Load>
class Checker {
public:
    Checker(const Index& index, std::uint32_t string_size, std::size_t types_start)
        : index_(index), string_size_(string_size), types_start_(types_start) {}

    void check(std::size_t row) const {
        const Kind kind = index_.kind(row);
        const Shape& shape = shape_of(kind);
        const std::byte* head = index_.record(row);
        check_name(row, head + HeadField::name_off, "name");
        if (shape.head_refers) {
            check_type(row, head + HeadField::size_or_type);
        }
        if (kind == Kind::Func) {
            check_prototype(row, head + HeadField::size_or_type);
        }
        const std::byte* extra = head + kHeadSize;
        for (std::size_t i = 0; i != shape.fixed_types; ++i) {
            check_type(row, extra + i * sizeof(std::uint32_t));
        }
        if (shape.element == 0) {
            return;
        }
        const std::byte* element = extra + shape.fixed;
        for (std::uint32_t left = index_.elements(row, shape); left != 0; --left) {
            if (shape.element_name != Shape::kNone) {
                check_name(row, element + shape.element_name, "element name");
            }
            if (shape.element_type != Shape::kNone) {
                check_type(row, element + shape.element_type);
            }
            element += shape.element;
        }
    }

private:
    void check_name(std::size_t row, const std::byte* word, const char* what) const {
        const std::uint32_t name_off = Load::u32(word);
        if (name_off >= string_size_) {
            throw invalid(row, word,
                          std::string("has the ") + what + " offset " + std::to_string(name_off) +
                              ", past the string section's " + std::to_string(string_size_) + " bytes");
        }
    }

    void check_type(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id >= index_.rows()) {
            throw invalid(row, word,
                          "refers to type [" + std::to_string(type_id) + "], the last one is [" +
                              std::to_string(index_.rows() - 1) + "]");
        }
    }

    void check_prototype(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id >= index_.rows() || index_.kind(type_id) != Kind::FuncProto) {
            throw invalid(row, word,
                          "is a FUNC whose type [" + std::to_string(type_id) + "] is no FUNC_PROTO");
        }
    }

    Error invalid(std::size_t row, const std::byte* word, const std::string& what) const {
        const auto section = index_.record(0);  // void's empty record lies at the section's start
        return Error::format("type [" + std::to_string(row) + "] " + what,
                             types_start_ + static_cast<std::size_t>(word - section),
                             static_cast<std::uint32_t>(row));
    }

    const Index& index_;
    std::uint32_t string_size_;
    std::size_t types_start_;
};

}  // namespace

Index::Index(Bytes types, ByteOrder order, std::uint32_t string_size, std::size_t types_start)
    : types_(types), order_(order) {
    // Room for as many rows as could be; pages that stay untouched cost nothing.
    const std::size_t most_rows = 1 + types.size / kHeadSize;
    offsets_.reset(new std::uint32_t[most_rows + 1]);
    kinds_.reset(new std::uint8_t[most_rows]);
    with_loads(order, [&](auto load) {
        using Load = decltype(load);
        rows_ = walk<Load>(types, types_start, offsets_.get(), kinds_.get());
        const Checker<Load> checker(*this, string_size, types_start);
        for (std::size_t row = 1; row != rows_; ++row) {
            checker.check(row);
        }
    });
}

}  // namespace btfmmap
