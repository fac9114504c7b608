#include "core/index/validate_references.hpp"

#include <string>
#include <utility>

#include "core/index/references.hpp"

namespace btfmmap {

namespace {

// Scalar validation, one record at a time. It defines the result that references_valid_simd() must agree
// with, and finds the invalid references.
template <class Load>
class ReferenceValidator {
public:
    ReferenceValidator(const Index& index, std::uint64_t strings_end, std::uint64_t ids_end,
                       std::uint64_t types_start, const ReportError& report, const ReportError& report_entry)
        : index_(index),
          strings_end_(strings_end),
          ids_end_(ids_end),
          types_start_(types_start),
          report_(report),
          report_entry_(report_entry) {}

    void validate(std::size_t row) const {
        each_reference(index_, row, [&](Reference reference, const std::byte* word) {
            switch (reference) {
                case Reference::name:
                    return check_name(row, word, "name");
                case Reference::element_name:
                    return check_name(row, word, "element name");
                case Reference::type:
                    return check_type(row, word);
            }
        });
        if (index_.kind(row) == Kind::Func) {
            check_prototype(row, index_.record(row) + HeadField::size_or_type);
        }
    }

private:
    void check_name(std::size_t row, const std::byte* word, const char* what) const {
        const std::uint32_t name_off = Load::u32(word);
        if (name_off >= strings_end_) {
            report_(invalid(row, word,
                            std::string("has the ") + what + " offset " + std::to_string(name_off) +
                                ", past the " + std::to_string(strings_end_) + " bytes of strings" + hint()));
        }
    }

    void check_type(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id >= ids_end_) {
            report_(invalid(row, word,
                            "refers to type [" + std::to_string(type_id) + "], the last one is " +
                                (ids_end_ == index_.end_id() ? "[" : "at most [") +
                                std::to_string(ids_end_ - 1) + "]" + hint()));
        } else if (report_entry_ && index_.kind(row) == Kind::Datasec && type_id < index_.end_id()) {
            check_entry(row, word, type_id);
        }
    }

    void check_entry(std::size_t row, const std::byte* word, std::uint32_t type_id) const {
        const Kind kind = index_.kind_of(type_id);
        if (kind != Kind::Var && kind != Kind::Func) {
            report_entry_(invalid(row, word,
                                  "is a DATASEC with an entry of type [" + std::to_string(type_id) +
                                      "], which is neither a VAR nor a FUNC"));
        }
    }

    void check_prototype(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id < index_.end_id() && index_.kind_of(type_id) != Kind::FuncProto) {
            report_(invalid(
                row, word,
                "is a FUNC whose type [" + std::to_string(type_id) + "] is not a FUNC_PROTO" + hint()));
        }
    }

    Error invalid(std::size_t row, const std::byte* word, const std::string& what) const {
        const auto section = index_.record(0);  // record 0 starts the section: void's is empty
        return Error::format("type [" + std::to_string(index_.id(row)) + "] " + what,
                             types_start_ + static_cast<std::size_t>(word - section), index_.id(row));
    }

    const char* hint() const { return index_.first_id() == 0 ? "" : " (is it split BTF of another base?)"; }

    const Index& index_;
    std::uint64_t strings_end_;
    std::uint64_t ids_end_;
    std::uint64_t types_start_;
    const ReportError& report_;
    const ReportError& report_entry_;
};

}  // namespace

void each_invalid_reference(const Index& index, std::uint64_t strings_end, std::uint64_t ids_end,
                            std::uint64_t types_start, const ReportError& report,
                            const ReportError& report_entry) {
    with_byte_order(index.order(), [&](auto load) {
        const ReferenceValidator<decltype(load)> validator(index, strings_end, ids_end, types_start, report,
                                                           report_entry);
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            validator.validate(row);
        }
    });
}

void validate_references(const Index& index, std::uint64_t strings_end, std::uint64_t types_start) {
    if (!references_valid_simd(index, strings_end)) {
        each_invalid_reference(index, strings_end, index.end_id(), types_start,
                               [](Error&& error) { throw std::move(error); });
    }
}

}  // namespace btfmmap
