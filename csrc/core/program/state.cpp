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

// Returns some bytes of a value of up to 8, without those above it in `bits`.
Value part(const StackValue& whole, int64_t offset, uint32_t size, ByteOrder order) {
    if (!whole.value.has_bits()) {
        const bool is_whole = offset == whole.offset && size == whole.size;
        const bool is_number = whole.value.is_number();
        return is_whole ? whole.value : is_number ? Value::undecided() : Value::varying();
    }
    const auto skipped = static_cast<uint32_t>(offset - whole.offset);
    const uint32_t shift = 8 * (order == ByteOrder::little ? skipped : whole.size - skipped - size);
    return {whole.value.kind, 0, extended(whole.value.bits >> shift, size, false)};
}

bool before(const StackValue& a, const StackValue& b) {
    return a.frame != b.frame ? a.frame < b.frame : a.offset < b.offset;
}

}  // namespace

Value State::load(uint32_t frame, int64_t offset, uint32_t size, ByteOrder order) const {
    const int64_t end = offset + size;
    Value result = Value::constant(0);
    uint32_t found = 0;
    for (const StackValue& entry : stack) {
        if (!entry.overlaps(frame, offset, end)) {
            continue;
        }
        const int64_t start = std::max<int64_t>(offset, entry.offset);
        const auto length = static_cast<uint32_t>(std::min<int64_t>(end, entry.end()) - start);
        const Value piece = part(entry, start, length, order);
        if (length == size) {
            return piece;
        }
        if (!piece.is_number()) {
            return Value::varying();
        }
        found += length;
        const auto skipped = static_cast<uint32_t>(start - offset);
        const uint32_t shift = 8 * (order == ByteOrder::little ? skipped : size - skipped - length);
        result.kind = std::max(result.kind, piece.kind);
        result.bits |= piece.bits << shift;
    }
    if (found != size) {
        return Value::varying();
    }
    return result.has_bits() ? result : Value{result.kind, 0, 0};
}

void State::store(uint32_t frame, int64_t offset, uint32_t size, const Value& value, ByteOrder order) {
    if (offset < kLowest || offset >= 0 || size == 0) {
        return;  // outside of any stack, which the verifier refuses
    }
    const int64_t end = offset + size;
    std::array<StackValue, 2> kept;
    size_t pieces = 0;
    const auto cut = [&](const StackValue& entry) {
        if (!entry.overlaps(frame, offset, end)) {
            return false;
        }
        // Parts of an entry that overlap at most at its ends; entries do not overlap each other.
        if (entry.offset < offset && pieces != kept.size()) {
            const auto length = static_cast<uint32_t>(offset - entry.offset);
            kept[pieces++] = {frame, entry.offset, length, part(entry, entry.offset, length, order)};
        }
        if (entry.end() > end && pieces != kept.size()) {
            const auto length = static_cast<uint32_t>(entry.end() - end);
            kept[pieces++] = {frame, static_cast<int32_t>(end), length, part(entry, end, length, order)};
        }
        return true;
    };
    stack.erase(std::remove_if(stack.begin(), stack.end(), cut), stack.end());
    Value stored = value;
    if (size != 8) {
        stored = value.has_bits() ? Value{value.kind, 0, extended(value.bits, size, false)}
                 : value.kind == Value::Kind::undecided ? value
                                                        : Value::varying();
    }
    const auto insert = [this](const StackValue& entry) {
        if (entry.value.kind == Value::Kind::varying) {
            return;
        }
        if (stack.size() == kMaxStackValues) {
            certain = false;
            return;
        }
        stack.insert(std::upper_bound(stack.begin(), stack.end(), entry, before), entry);
    };
    insert({frame, static_cast<int32_t>(offset), size, stored});
    for (size_t i = 0; i != pieces; ++i) {
        insert(kept[i]);
    }
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
