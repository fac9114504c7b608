// A base and a split BTF on it, and what is written of them: whatever is written must open, unless it is
// refused.

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/error.hpp"
#include "core/writing/distill.hpp"
#include "core/writing/draft.hpp"
#include "core/writing/merge.hpp"
#include "core/writing/reorder.hpp"
#include "core/writing/selection.hpp"
#include "exercise_all.hpp"
#include "input.hpp"

namespace btfmmap::fuzz {

namespace {

BtfPtr reopened(std::vector<std::byte> bytes, const BtfPtr& base = nullptr) {
    const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    const BtfPtr btf = open(Mapping::borrow({owner->data(), owner->size()}, owner, How::read), base);
    if (btf == nullptr) {
        __builtin_trap();
    }
    return btf;
}

// Only Errors may be thrown.
template <class Work>
void attempt(Work work) {
    try {
        work();
    } catch (const Error&) {
    }
}

void select(const BtfPtr& btf, writing::Closure closure, std::uint32_t root) {
    attempt([&] {
        writing::Draft draft(ByteOrder::big, nullptr);
        writing::Selection selection(*btf, draft);
        attempt([&] { selection.add({root}, closure); });
        selection.add({btf->index().end_id() - 1}, closure);
        reopened(draft.build());
    });
}

void rewrite(const BtfPtr& btf) {
    for (const auto closure : {writing::Closure::none, writing::Closure::pointers, writing::Closure::deep}) {
        select(btf, closure, btf->index().end_id() / 2);
    }
    attempt([&] {
        auto order = writing::name_order(*btf);
        reopened(writing::reorder(btf, order).bytes, btf->base());
        std::reverse(order.begin(), order.end());
        exercise_all(*reopened(writing::reorder(btf, order).bytes, btf->base()));
    });
    attempt([&] {
        const auto other = btf->header().order == ByteOrder::little ? ByteOrder::big : ByteOrder::little;
        BtfPtr made;
        for (const Btf* level : btf->levels()) {
            made = reopened(writing::swap_bytes(*level, other, made), made);
        }
    });
    attempt([&] {
        const writing::Distilled made = writing::distill(btf);
        reopened(made.split, reopened(made.base));
    });
    attempt([&] {
        reopened(writing::merge({btf, btf->base() == nullptr ? btf : btf->base()}, ByteOrder::little).bytes);
    });
}

}  // namespace

}  // namespace btfmmap::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace btfmmap::fuzz;
    Input input(data, size);
    const BtfPtr base = open(input.sized_part());
    if (base == nullptr) {
        return 0;
    }
    rewrite(base);
    if (const BtfPtr split = open(input.rest(), base)) {
        rewrite(split);
    }
    return 0;
}
