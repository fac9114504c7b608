#include "core/corpus/row_pairs.hpp"

#include "core/btf/record.hpp"

namespace btfmmap::corpus {

namespace {

using std::size_t;
using std::uint32_t;

// Where rows no longer fit, fewer than kNear are skipped, in one BTF or both; or fewer than kFar in one, and
// than kNearFar in the other. They fit again where kRun in a row do.
constexpr size_t kNear = 24, kFar = 1024, kNearFar = 3, kRun = 4;
// What is compared to skip rows, beyond two of them for each row. With more, it would take less time to do
// without pairs.
constexpr size_t kFirstSkips = size_t{1} << 16;

}  // namespace

RowPairs::RowPairs(const Btf& now, const Btf& before)
    : now_(now),
      before_(before),
      names_(now.string_section(), before.string_section()),
      rows_(now.index().rows(), kNone) {
    pair_rows();
}

void RowPairs::pair_rows() {
    const size_t rows = now_.index().rows(), rows_before = before_.index().rows();
    size_t row = now_.index().first_record(), row_before = before_.index().first_record();
    while (row < rows && row_before < rows_before) {
        if (fits(row, row_before)) {
            rows_[row++] = static_cast<uint32_t>(row_before++);
            continue;
        }
        skip(row, row_before);
        if (compared_ > kFirstSkips + 2 * row) {
            is_complete_ = false;
            return;
        }
    }
}

bool RowPairs::fits(size_t row, size_t row_before) const {
    const Index& now = now_.index();
    const Index& before = before_.index();
    const Kind kind = now.kind(row);
    const uint32_t name = now.name_off(row);
    if (kind != before.kind(row_before) || !same_name(name, before.name_off(row_before))) {
        return false;
    }
    if (name == 0) {
        return elements_fit(row, row_before);
    }
    return kind != Kind::Fwd ||
           TypeRecord(now_, now.id(row)).flag() == TypeRecord(before_, before.id(row_before)).flag();
}

// Whether rows of one kind have as many elements, and the first and the last have the same names.
bool RowPairs::elements_fit(size_t row, size_t row_before) const {
    const TypeRecord now(now_, now_.index().id(row));
    const TypeRecord before(before_, before_.index().id(row_before));
    const Shape& shape = shape_of(now.kind());
    if (shape.element_name == Shape::kNone) {
        return true;
    }
    const uint32_t count = now.elements();
    const auto same = [&](uint32_t number) {
        const auto at = static_cast<size_t>(shape.element_name);
        return same_name(now.load(now.element(number) + at), before.load(before.element(number) + at));
    };
    return count == before.elements() && (count == 0 || (same(0) && same(count - 1)));
}

bool RowPairs::run_fits(size_t row, size_t row_before) const {
    const size_t rows = now_.index().rows(), rows_before = before_.index().rows();
    for (size_t i = 0; i != kRun; ++i) {
        if (row + i >= rows || row_before + i >= rows_before || !fits(row + i, row_before + i)) {
            return false;
        }
    }
    return true;
}

void RowPairs::skip(size_t& row, size_t& row_before) {
    const auto skips = [&](size_t rows, size_t rows_before) {
        ++compared_;
        if (!run_fits(row + rows, row_before + rows_before)) {
            return false;
        }
        row += rows;
        row_before += rows_before;
        return true;
    };
    for (size_t distance = 1; distance != kNear; ++distance) {
        for (size_t ahead = 0; ahead <= distance; ++ahead) {
            if (skips(ahead, distance - ahead)) {
                return;
            }
        }
    }
    for (size_t distance = kNear; distance != kFar; ++distance) {
        for (size_t other = 0; other != kNearFar; ++other) {
            if (skips(distance, other) || skips(other, distance)) {
                return;
            }
        }
    }
    ++row;
    ++row_before;
}

}  // namespace btfmmap::corpus
