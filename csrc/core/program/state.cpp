#include "core/program/state.hpp"

#include <algorithm>
#include <iterator>

namespace btfmmap::program {

namespace {

using std::int32_t;
using std::int64_t;
using std::size_t;
using std::uint32_t;
using std::uint64_t;

// Known values of one state's stacks. More are forgotten, and the state is no longer certain.
constexpr size_t kMaxStackValues = 256;

constexpr int64_t kLowest = -(int64_t{1} << 20);  // of offsets that are kept; a stack has 512 bytes

constexpr int64_t kSlotSize = 8;

int64_t slot_of(int64_t offset) { return offset & -kSlotSize; }

bool is_zero(const Value& value) { return value.has_bits() && value.bits == 0; }

// Returns what is left of a value in a smaller store or load.
Value narrowed(const Value& value, uint32_t size) {
    if (value.has_bits()) {
        return {value.kind, 0, extended(value.bits, size, false)};
    }
    return value.is_number() || size == kSlotSize ? value : Value::varying();
}

bool before(const StackValue& a, const StackValue& b) {
    return a.frame != b.frame ? a.frame < b.frame : a.offset < b.offset;
}

}  // namespace

Value State::load(uint32_t frame, int64_t offset, uint32_t size, ByteOrder order) const {
    const int64_t slot = slot_of(offset), end = offset + size;
    Value found = Value::varying();
    uint32_t zeros = 0;
    bool undecided = false;
    for (const StackValue& entry : stack) {
        if (entry.frame != frame || entry.offset < slot || entry.offset >= end) {
            continue;
        }
        const bool at_low_end = order == ByteOrder::little ? offset == entry.offset
                                                           : end == entry.end() && offset >= entry.offset;
        if (entry.is_spill() && at_low_end && size <= entry.size) {
            return narrowed(entry.value, size);
        }
        if (entry.is_spill() && !entry.overlaps(frame, offset, end)) {
            continue;
        }
        undecided =
            undecided || (entry.value.kind == Value::Kind::undecided && entry.overlaps(frame, offset, end));
        if (is_zero(entry.value) && entry.overlaps(frame, offset, end)) {
            // Zeros count only if they are all of one spilled register, or all stored as zeros.
            const bool whole = offset >= entry.offset && end <= entry.end();
            if (whole) {
                return entry.value;
            }
            const auto length = std::min<int64_t>(end, entry.end()) - std::max<int64_t>(offset, entry.offset);
            zeros += entry.is_spill() ? 0 : static_cast<uint32_t>(length);
            found = entry.value;
        }
    }
    if (zeros == size) {
        return found;
    }
    return undecided ? Value::undecided() : Value::varying();
}

void State::store(uint32_t frame, int64_t offset, uint32_t size, const Value& value) {
    if (offset < kLowest || offset >= 0 || size == 0) {
        return;  // outside of any stack, which the verifier refuses
    }
    const int64_t end = offset + size;
    const bool spill = offset == slot_of(offset) && size <= kSlotSize;
    std::array<StackValue, 2> kept;
    size_t pieces = 0;
    const auto is_lost = [&](const StackValue& entry) {
        if (entry.frame != frame || entry.end() <= slot_of(offset) ||
            entry.offset >= slot_of(end - 1) + kSlotSize) {
            return false;
        }
        if (entry.is_spill()) {
            return true;
        }
        if (!entry.overlaps(frame, offset, end)) {
            return false;
        }
        if (entry.offset < offset && pieces != kept.size()) {
            kept[pieces++] = {frame, entry.offset, static_cast<uint32_t>(offset - entry.offset), entry.value};
        }
        if (entry.end() > end && pieces != kept.size()) {
            kept[pieces++] = {frame, static_cast<int32_t>(end), static_cast<uint32_t>(entry.end() - end),
                              entry.value};
        }
        return true;
    };
    const bool lost_spill = std::any_of(stack.begin(), stack.end(), [&](const StackValue& entry) {
        return entry.frame == frame && entry.is_spill() && slot_of(offset) == entry.offset;
    });
    stack.erase(std::remove_if(stack.begin(), stack.end(), is_lost), stack.end());
    if (lost_spill && !spill) {
        // All of a spilled register's slot is given up.
        const int64_t slot = slot_of(offset);
        stack.erase(std::remove_if(stack.begin(), stack.end(),
                                   [&](const StackValue& entry) {
                                       return entry.overlaps(frame, slot, slot + kSlotSize);
                                   }),
                    stack.end());
        pieces = 0;
    }
    const bool is_kept = spill || is_zero(value) || value.kind == Value::Kind::undecided;
    if (is_kept && size <= kSlotSize) {
        keep({frame, static_cast<int32_t>(offset), size, narrowed(value, size)});
    }
    for (size_t i = 0; i != pieces; ++i) {
        keep(kept[i]);
    }
}

void State::keep(const StackValue& entry) {
    if (entry.value.kind == Value::Kind::varying) {
        return;
    }
    if (stack.size() == kMaxStackValues) {
        certain = false;
        return;
    }
    stack.insert(std::upper_bound(stack.begin(), stack.end(), entry, before), entry);
}

void State::doubt(uint32_t frame, int64_t offset, int64_t end) {
    for (StackValue& entry : stack) {
        if (entry.overlaps(frame, offset, end)) {
            entry.value = entry.value.may_be_stack() ? Value::any_stack() : Value::undecided();
        }
    }
}

void State::doubt_all() {
    for (StackValue& entry : stack) {
        entry.value = entry.value.may_be_stack() ? Value::any_stack() : Value::undecided();
    }
}

void State::drop_frames(uint32_t frame) {
    stack.erase(std::remove_if(stack.begin(), stack.end(),
                               [frame](const StackValue& entry) { return entry.frame >= frame; }),
                stack.end());
}

bool covers(const State& general, const State& state) {
    if (state.certain && !general.certain) {
        return false;
    }
    const bool certain = state.certain;
    for (size_t i = 0; i != state.registers.size(); ++i) {
        if (!covers(general.registers[i], state.registers[i], certain)) {
            return false;
        }
    }
    for (size_t call = 0; call != state.calls.size(); ++call) {
        for (size_t i = 0; i != state.calls[call].registers.size(); ++i) {
            if (!covers(general.calls[call].registers[i], state.calls[call].registers[i], certain)) {
                return false;
            }
        }
    }
    auto at = state.stack.begin();
    for (const StackValue& entry : general.stack) {
        while (at != state.stack.end() && before(*at, entry)) {
            if (at->value.may_be_stack()) {
                return false;
            }
            ++at;
        }
        if (at == state.stack.end() || at->frame != entry.frame || at->offset != entry.offset ||
            at->size != entry.size || !covers(entry.value, at->value, certain)) {
            return false;
        }
        ++at;
    }
    return std::none_of(at, state.stack.end(),
                        [](const StackValue& entry) { return entry.value.may_be_stack(); });
}

State joined(const State& a, const State& b) {
    State result = a;
    result.certain = a.certain || b.certain;
    const bool both = a.certain && b.certain;
    for (size_t i = 0; i != result.registers.size(); ++i) {
        result.registers[i] = joined(a.registers[i], b.registers[i], both);
    }
    for (size_t call = 0; call != result.calls.size(); ++call) {
        for (size_t i = 0; i != result.calls[call].registers.size(); ++i) {
            result.calls[call].registers[i] =
                joined(a.calls[call].registers[i], b.calls[call].registers[i], both);
        }
    }
    // An entry of one of them only is joined with bytes that vary. Where entries of different sizes overlap,
    // both are given up, which costs certainty.
    result.stack.clear();
    std::vector<StackValue> all;
    std::merge(a.stack.begin(), a.stack.end(), b.stack.begin(), b.stack.end(), std::back_inserter(all),
               before);
    for (size_t i = 0; i < all.size(); ++i) {
        StackValue entry = all[i];
        const bool pair = i + 1 != all.size() && all[i + 1].frame == entry.frame &&
                          all[i + 1].offset == entry.offset && all[i + 1].size == entry.size;
        entry.value = joined(entry.value, pair ? all[++i].value : Value::varying(), both);
        StackValue* last = result.stack.empty() ? nullptr : &result.stack.back();
        if (last != nullptr && last->overlaps(entry.frame, entry.offset, entry.end())) {
            last->value = Value::any_stack();
            result.certain = false;
        } else if (entry.value.kind != Value::Kind::varying) {
            result.stack.push_back(entry);
        }
    }
    return result;
}

}  // namespace btfmmap::program
