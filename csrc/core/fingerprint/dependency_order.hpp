#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/format/wire_format.hpp"
#include "core/index/index.hpp"

namespace btfmmap::fingerprint {

constexpr std::uint32_t kNoRow = UINT32_MAX;

// Hashes pending rows, each after those that it depends on, without recursion. Each row is read at most three
// times: most are hashed at the first try; others are searched for pending rows first, and tried again.
//
// `Work` has:
// - is_pending(row): whether the row has no hash yet.
// - hash_composite(row), hash_prototype(row), and hash_derived(row) for other kinds: hashes the row. Returns
//   false, and changes no hash that others read, if a row that it depends on is pending.
// - enter(row): sets a constant as the row's hash, so that it is not pending inside itself.
// - pending(row, at): returns a pending row that `row` depends on through the type ID at this address in its
//   record; kNoRow if there is none.
template <class Work>
class DependencyOrder {
public:
    DependencyOrder(const Index& index, Work& work) : index_(index), work_(work) {}

    // Hashes the pending rows of these kinds. Rows are taken kind by kind: their order is unpredictable, that
    // of kinds is not.
    template <class... Rows>
    void hash() {
        (Rows(index_).each([this](std::uint32_t row) { hash(row); }), ...);
    }

    void hash(std::uint32_t row) {
        if (work_.is_pending(row) && !try_hash(row)) {
            hash_from(row);
        }
    }

private:
    // The type IDs in a record: of a struct's members, of a prototype's result and parameters, or one.
    struct References {
        const std::byte* next;
        std::uint32_t left, stride;
    };

    struct Frame {
        std::uint32_t row;
        References references;
    };

    bool try_hash(std::uint32_t row) {
        switch (index_.kind(row)) {
            case Kind::Struct:
            case Kind::Union:
                return work_.hash_composite(row);
            case Kind::FuncProto:
                return work_.hash_prototype(row);
            default:
                return work_.hash_derived(row);
        }
    }

    void hash_from(std::uint32_t root) {
        enter(root);
        while (!frames_.empty()) {
            Frame& frame = frames_.back();
            const std::uint32_t next = next_pending(frame);
            if (next == kNoRow) {
                try_hash(frame.row);
                frames_.pop_back();
            } else if (!try_hash(next)) {
                enter(next);
            }
        }
    }

    void enter(std::uint32_t row) {
        work_.enter(row);
        frames_.push_back({row, references(row)});
    }

    std::uint32_t next_pending(Frame& frame) const {
        for (References& references = frame.references; references.left != 0; --references.left) {
            const std::uint32_t row = work_.pending(frame.row, references.next);
            if (row != kNoRow) {
                return row;
            }
            references.next += references.stride;
        }
        return kNoRow;
    }

    References references(std::uint32_t row) const {
        constexpr const Shape& member = kShapes[static_cast<std::size_t>(Kind::Struct)];
        constexpr const Shape& param = kShapes[static_cast<std::size_t>(Kind::FuncProto)];
        constexpr std::size_t head = HeadField::size_or_type;
        static_assert(kHeadSize + ParamField::type - head == param.element,
                      "the result's type is as far from the first parameter's");
        const std::byte* record = index_.record(row);
        switch (index_.kind(row)) {
            case Kind::Struct:
            case Kind::Union:
                return {record + kHeadSize + MemberField::type, index_.elements(row, member), member.element};
            case Kind::FuncProto:
                return {record + head, index_.elements(row, param) + 1, param.element};
            case Kind::Array:
                return {record + kHeadSize + ArrayField::type, 1, 0};
            default:
                return {record + head, 1, 0};
        }
    }

    const Index& index_;
    Work& work_;
    std::vector<Frame> frames_;
};

}  // namespace btfmmap::fingerprint
