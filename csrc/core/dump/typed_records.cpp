#include "core/dump/typed_records.hpp"

#include <string>

#include "core/base/error.hpp"
#include "core/text/text_writer.hpp"

namespace btfmmap {

TypedRecords::TypedRecords(TypedData& values, Bytes data, std::optional<std::int64_t> size)
    : values_(values), data_(data), size_(values.size()) {
    if (size && *size < static_cast<std::int64_t>(size_)) {
        throw Error::invalid_argument("size is " + std::to_string(*size) + ", but a record of " +
                                      values.type_text() + " has at least " + std::to_string(size_) +
                                      " bytes");
    }
    if (size) {
        size_ = static_cast<std::uint64_t>(*size);
    }
    if (size_ == 0 && data.size != 0) {
        throw Error::format(values.type_text() + " has no bytes, so records cannot be told apart");
    }
    if (size_ != 0 && data.size % size_ != 0) {
        const char* const advice =
            size ? "" : "; longer records need size=, shorter ones must be padded with zeros";
        throw Error::format(std::to_string(data.size) + " bytes are not a whole number of " +
                            values.type_text() + " (" + std::to_string(size_) + " bytes each)" + advice);
    }
    count_ = size_ == 0 ? 0 : data.size / size_;
}

std::string_view TypedRecords::format(std::uint64_t number) {
    try {
        return values_.format(data_.slice(number * size_, size_));
    } catch (Error& error) {
        error.message = "record " + std::to_string(number) + ": " + error.message;
        throw;
    }
}

void TypedRecords::write(std::string_view end, Output& output) {
    try {
        for (std::uint64_t number = 0; number != count_; ++number) {
            const std::string_view text = format(number);
            write_text(output, text);
            write_text(output, end);
        }
    } catch (const Error&) {
        output.flush();
        throw;
    }
    output.flush();
}

}  // namespace btfmmap
