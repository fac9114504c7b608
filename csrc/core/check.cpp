#include "core/check.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "core/error.hpp"
#include "core/references.hpp"
#include "core/selection.hpp"

namespace btfmmap {

namespace {

// The plain check, one record at a time: what the fast one has to agree with, and what finds the culprit.
template <class Load>
class Checker {
public:
    Checker(const Index& index, std::uint64_t strings_end, std::size_t types_start)
        : index_(index), strings_end_(strings_end), types_start_(types_start) {}

    void check(std::size_t row) const {
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
            throw invalid(row, word,
                          std::string("has the ") + what + " offset " + std::to_string(name_off) +
                              ", past the " + std::to_string(strings_end_) + " bytes of strings" + hint());
        }
    }

    void check_type(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id >= index_.end_id()) {
            throw invalid(row, word,
                          "refers to type [" + std::to_string(type_id) + "], the last one is [" +
                              std::to_string(index_.end_id() - 1) + "]" + hint());
        }
    }

    void check_prototype(std::size_t row, const std::byte* word) const {
        const std::uint32_t type_id = Load::u32(word);
        if (type_id >= index_.end_id() || index_.kind_of(type_id) != Kind::FuncProto) {
            throw invalid(row, word,
                          "is a FUNC whose type [" + std::to_string(type_id) + "] is no FUNC_PROTO" + hint());
        }
    }

    Error invalid(std::size_t row, const std::byte* word, const std::string& what) const {
        const auto section = index_.record(0);  // void's empty record lies at the section's start
        return Error::format("type [" + std::to_string(index_.id(row)) + "] " + what,
                             types_start_ + static_cast<std::size_t>(word - section), index_.id(row));
    }

    const char* hint() const { return index_.first_id() == 0 ? "" : " (is it split BTF of another base?)"; }

    const Index& index_;
    std::uint64_t strings_end_;
    std::size_t types_start_;
};

// The largest name offset and type id of some records, which is all that a valid file needs to be asked.
//
// Grouping records by kind gives each loop a constant shape, free of the branches that the plain check
// takes for each record and mostly mispredicts.
struct Extremes {
    std::uint32_t name_off = 0;
    std::uint32_t type = 0;

    void merge(Extremes other) {
        name_off = std::max(name_off, other.name_off);
        type = std::max(type, other.type);
    }
};

template <class Load>
Extremes head_extremes(const Index& index) {
    std::array<std::uint32_t, kMaxKinds> refers{};
    for (std::size_t kind = 0; kind != kMaxKinds; ++kind) {
        refers[kind] = kShapes[kind].head_refers ? UINT32_MAX : 0;
    }
    Extremes most;
    for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
        const std::byte* head = index.record(row);
        most.merge({Load::u32(head + HeadField::name_off),
                    Load::u32(head + HeadField::size_or_type) & refers[index.kinds()[row]]});
    }
    return most;
}

template <class Load>
Extremes array_extremes(const Index& index) {
    Extremes most;
    Selection<Kind::Array>(index).each([&](std::uint32_t row) {
        const std::byte* array = index.record(row) + kHeadSize;
        most.merge({0, Load::u32(array + ArrayField::type)});
        most.merge({0, Load::u32(array + ArrayField::index_type)});
    });
    return most;
}

// Of the elements of records of kinds whose elements are alike.
template <class Load, Kind kind, Kind... alike>
Extremes element_extremes(const Index& index) {
    constexpr Shape shape = shape_of(kind);
    Extremes most;
    Selection<kind, alike...>(index).each_element([&](std::uint32_t) {
        return [&](const std::byte* element) {
            if constexpr (shape.element_name != Shape::kNone) {
                most.merge({Load::u32(element + shape.element_name), 0});
            }
            if constexpr (shape.element_type != Shape::kNone) {
                most.merge({0, Load::u32(element + shape.element_type)});
            }
        };
    });
    return most;
}

template <class Load>
bool functions_have_prototypes(const Index& index) {
    bool good = true;
    Selection<Kind::Func>(index).each([&](std::uint32_t row) {
        const std::uint32_t type = Load::u32(index.record(row) + HeadField::size_or_type);
        good &= type < index.end_id() && index.kind_of(type) == Kind::FuncProto;
    });
    return good;
}

template <class Load>
bool all_in_range(const Index& index, std::uint64_t strings_end) {
    Extremes most = head_extremes<Load>(index);
    most.merge(array_extremes<Load>(index));
    most.merge(element_extremes<Load, Kind::Struct, Kind::Union>(index));
    most.merge(element_extremes<Load, Kind::Enum>(index));
    most.merge(element_extremes<Load, Kind::Enum64>(index));
    most.merge(element_extremes<Load, Kind::FuncProto>(index));
    most.merge(element_extremes<Load, Kind::Datasec>(index));
    return most.name_off < strings_end && most.type < index.end_id() &&
           functions_have_prototypes<Load>(index);
}

}  // namespace

void check_references(const Index& index, std::uint64_t strings_end, std::size_t types_start) {
    with_loads(index.order(), [&](auto load) {
        using Load = decltype(load);
        if (all_in_range<Load>(index, strings_end)) {
            return;
        }
        const Checker<Load> checker(index, strings_end, types_start);
        for (std::size_t row = index.first_record(); row != index.rows(); ++row) {
            checker.check(row);
        }
    });
}

}  // namespace btfmmap
