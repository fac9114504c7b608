// What relocations make of instructions, and the BPF object that has them.

#include <algorithm>
#include <cstdlib>

#include "core/base/error.hpp"
#include "core/program/flow.hpp"
#include "core/program/object.hpp"
#include "core/program/reachability.hpp"
#include "input.hpp"

using namespace btfmmap;
using namespace btfmmap::program;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

// Relocations of all instructions, or of the first ones, whose statuses and values are the bytes.
std::vector<Relocated> relocations(const Object& object, Bytes bytes) {
    std::vector<Relocated> relocated;
    const std::size_t count = std::min<std::size_t>(object.code().size() + 1, bytes.size);
    for (std::size_t i = 0; i != count; ++i) {
        const auto byte = static_cast<unsigned>(bytes.data[i]);
        const auto status = static_cast<Relocated::Status>(byte % 3);
        relocated.push_back({static_cast<std::uint32_t>(i), status, byte / 3});
    }
    return relocated;
}

std::vector<Resolved> resolved(const Object& object, Bytes bytes) {
    std::vector<Resolved> states(object.externals().size());
    for (std::size_t i = 0; i != states.size() && i < bytes.size; ++i) {
        const auto byte = static_cast<unsigned>(bytes.data[bytes.size - 1 - i]);
        states[i] = {static_cast<Resolved::Status>(byte % 4), byte};
    }
    return states;
}

void analyse(const File& file, Bytes bytes) {
    const Object object(file);
    const Flow flow(object);
    for (const Reference& reference : object.references()) {
        require(reference.instruction < object.code().size());
    }
    object.at(".text", 8);
    const auto relocated = relocations(object, bytes);
    const auto externals = resolved(object, bytes);
    bool broken[2] = {false, false};
    for (const bool past_poison : {false, true}) {
        const auto reached = reachability(object, flow, relocated, externals, {false, past_poison});
        require(reached.size() == flow.programs().size() * relocated.size());
        broken[past_poison ? 1 : 0] =
            std::any_of(reached.begin(), reached.end(), [](Reach reach) { return reach != Reach::dead; });
    }
    // Whether any poisoned instruction is reached does not depend on what follows it, unless work runs out.
    require(!broken[0] || broken[1]);
    reachability(object, flow, relocated, {}, {true, false});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input input(data, size);
    const Mapping bytes = input.sized_part();
    try {
        analyse(File::of(input.rest(), "input"), bytes.bytes());
    } catch (const Error&) {
    }
    return 0;
}
