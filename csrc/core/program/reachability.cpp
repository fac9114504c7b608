#include "core/program/reachability.hpp"

#include <cstddef>
#include <string>

#include "core/base/error.hpp"

namespace btfmmap::program {

namespace {

using std::size_t;
using std::uint32_t;
using std::uint64_t;

constexpr uint64_t kMaxAnswers = uint64_t{1} << 26;  // pairs of programs and relocations

}  // namespace

std::vector<Reach> reachability(const Object& object, const Flow& flow,
                                const std::vector<Relocated>& relocated,
                                const std::vector<Resolved>& externals, const Questions& questions) {
    const size_t count = relocated.size();
    if (uint64_t{count} * flow.programs().size() > kMaxAnswers) {
        throw Error::not_supported(std::to_string(count) + " relocations in " +
                                   std::to_string(flow.programs().size()) + " programs; at most " +
                                   std::to_string(kMaxAnswers) + " pairs are analysed");
    }
    std::vector<Reach> result(flow.programs().size() * count, Reach::dead);
    std::vector<uint32_t> asked;  // relocations
    for (uint32_t i = 0; i != count; ++i) {
        if ((questions.all || relocated[i].is_poisoned()) && relocated[i].instruction < flow.steps().size()) {
            asked.push_back(i);
        }
    }
    if (asked.empty()) {
        return result;
    }
    const Facts facts(flow.steps().size(), relocated, externals);
    Exploration exploration(object, flow, facts, questions.past_poison);
    for (size_t program = 0; program != flow.programs().size(); ++program) {
        std::vector<uint32_t> instructions;
        for (const uint32_t i : asked) {
            if (flow.may_contain(program, relocated[i].instruction)) {
                instructions.push_back(relocated[i].instruction);
            }
        }
        if (instructions.empty()) {
            continue;
        }
        const bool complete =
            exploration.explore(object.functions()[flow.programs()[program]].first, instructions);
        for (const uint32_t i : asked) {
            if (flow.may_contain(program, relocated[i].instruction)) {
                const Reach reach = exploration.reached(relocated[i].instruction);
                result[program * count + i] = !complete && reach == Reach::dead ? Reach::maybe : reach;
            }
        }
    }
    return result;
}

}  // namespace btfmmap::program
