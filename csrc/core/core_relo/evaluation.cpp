#include "core/core_relo/evaluation.hpp"

#include <optional>

#include "core/core_relo/budget.hpp"
#include "core/core_relo/target_match.hpp"
#include "core/core_relo/types.hpp"

namespace btfmmap::core_relo {

namespace {

using std::uint32_t;

// Real kernels have at most a handful of types of one name.
constexpr std::size_t kMaxCandidates = 4096;
constexpr std::uint8_t kOnlySigned = 1;  // the encoding of a signed INT that is neither char nor bool

bool is_unsigned_or_char(const TypeRecord& type) {
    return type.kind() == Kind::Int && int_encoding(type.word(kHeadSize)) != kOnlySigned;
}

// Whether a load or store of another size reads the same value: zero-extended to 64 bits, it does for
// pointers and unsigned integers.
bool may_resize(const Btf& local, uint32_t local_id, const Btf& target, uint32_t target_id) {
    const TypeRecord before(local, local_id), after(target, target_id);
    return (before.kind() == Kind::Ptr && after.kind() == Kind::Ptr) ||
           (is_unsigned_or_char(before) && is_unsigned_or_char(after));
}

class Evaluation {
public:
    Evaluation(const Object& object, const Target& target, Semantics semantics)
        : object_(object),
          target_(target),
          semantics_(semantics),
          budget_(object.relocations().size()),
          candidates_(object.groups().size()) {
        if (object.shares_instructions()) {
            codes_.resize(object.relocations().size());
        }
    }

    std::vector<Outcome> run() {
        const auto& relocations = object_.relocations();
        std::vector<Outcome> outcomes(relocations.size());
        for (uint32_t number = 0; number != relocations.size(); ++number) {
            const Relocation& relocation = relocations[number];
            Outcome& outcome = outcomes[number];
            budget_.start();
            if (const Failure& failure = relocation.code.failure) {
                fail(outcome, failure);
                outcome.status = failure.error == 0 ? Status::not_judged : Status::error;
                continue;
            }
            RelocatedCode code =
                relocation.earlier == Relocation::kNone ? relocation.code : codes_[relocation.earlier];
            if (calculate(relocation, outcome)) {
                change_instruction(relocation, outcome, code);
            }
            if (!codes_.empty()) {
                codes_[number] = code;
            }
        }
        return outcomes;
    }

private:
    // Returns false, so that callers can return the result.
    static bool fail(Outcome& outcome, const Failure& failure, Status status = Status::error) {
        outcome.status = status;
        outcome.failure = failure;
        outcome.value = 0;
        return false;
    }

    // Calculates what the types say. Returns false for an error.
    bool calculate(const Relocation& relocation, Outcome& outcome) {
        if (relocation.kind == ReloKind::TypeIdLocal) {
            outcome.value = relocation.root;
            return !relocation.failure || fail(outcome, relocation.failure);
        }
        const Group& group = object_.groups()[relocation.group];
        if (group.failure) {
            return fail(outcome, group.failure);
        }
        std::vector<Candidate>& candidates = candidates_of(relocation.group);
        outcome.candidates = static_cast<uint32_t>(candidates.size());
        if (relocation.failure) {
            return fail(outcome, relocation.failure);
        }
        if (candidates.size() > kMaxCandidates) {
            return fail(outcome, Failure::too_big(Reason::too_many_candidates, 0, candidates.size()));
        }
        matching_.clear();
        for (const Candidate& candidate : candidates) {
            if (!try_candidate(relocation, candidate, outcome)) {
                return false;
            }
        }
        if (matching_.empty()) {
            return set_absent(relocation, outcome);
        }
        outcome.failure = {};
        outcome.step = 0;
        if (semantics_ == Semantics::libbpf && matching_.size() != candidates.size()) {
            candidates = matching_;
        }
        return true;
    }

    std::vector<Candidate>& candidates_of(uint32_t number) {
        auto& found = candidates_[number];
        if (!found) {
            const Group& group = object_.groups()[number];
            found = target_.candidates(group.essential, group.kind);
        }
        return *found;
    }

    // Returns false for an error.
    bool try_candidate(const Relocation& relocation, const Candidate& candidate, Outcome& outcome) {
        const Btf& btf = target_.btf(candidate.source);
        const Match match =
            match_candidate(object_.btf(), relocation.kind, relocation.path, btf, candidate.id, budget_);
        if (!match.found) {
            if (match.failure.error != 0) {
                outcome.source = candidate.source;
                return fail(outcome, match.failure);
            }
            // Remembers the candidate that has most of the path.
            if (matching_.empty() && (!outcome.failure || match.step > outcome.step)) {
                outcome.failure = match.failure;
                outcome.step = match.step;
                outcome.source = candidate.source;
            }
            return true;
        }
        if (relocation.local.failure) {
            return fail(outcome, relocation.local.failure);
        }
        const Value value =
            value_of(btf, relocation.kind, candidate.id, match.position, object_.btf().header().order);
        if (value.failure) {
            outcome.source = candidate.source;
            return fail(outcome, value.failure);
        }
        if (matching_.empty()) {
            outcome.source = candidate.source;
            outcome.candidate = candidate.id;
            outcome.bit_offset = match.position.bit_offset;
            outcome.value = value.value;
            outcome.type = value.type;
            outcome.size = value.size;
            outcome.unsafe_size = value.size != relocation.local.size &&
                                  !may_resize(object_.btf(), relocation.local.type, btf, value.type);
        } else if (match.position.bit_offset != outcome.bit_offset) {
            outcome.source = candidate.source;
            return fail(outcome,
                        Failure::invalid(Reason::offsets_differ, candidate.id, match.position.bit_offset),
                        Status::ambiguous);
        } else if (value.value != outcome.value) {
            outcome.source = candidate.source;
            return fail(outcome, Failure::invalid(Reason::values_differ, candidate.id, value.value),
                        Status::ambiguous);
        }
        matching_.push_back(candidate);
        return true;
    }

    // No candidate matches. Returns false for an error.
    bool set_absent(const Relocation& relocation, Outcome& outcome) {
        if (relocation.local.failure) {
            return fail(outcome, relocation.local.failure);
        }
        if (outcome.candidates == 0) {
            outcome.failure.reason = Reason::no_candidate;
        }
        outcome.poison = !is_zero_if_absent(relocation.kind);
        outcome.status = outcome.poison ? Status::poisoned : Status::absent;
        return true;
    }

    static void change_instruction(const Relocation& relocation, Outcome& outcome, RelocatedCode& code) {
        if (outcome.poison) {
            poison(code);
            return;
        }
        const ChangeResult result = apply({relocation.local.value, outcome.value, relocation.local.size,
                                           outcome.size, relocation.local.validate, outcome.unsafe_size},
                                          code);
        if (result.failure) {
            fail(outcome, result.failure, result.poisoned ? Status::poisoned : Status::error);
        }
    }

    const Object& object_;
    const Target& target_;
    const Semantics semantics_;
    Budget budget_;
    std::vector<std::optional<std::vector<Candidate>>> candidates_;  // of each group
    std::vector<Candidate> matching_;                                // those of the current relocation
    std::vector<RelocatedCode> codes_;  // after their relocation, if instructions are shared
};

}  // namespace

std::vector<Outcome> evaluate(const Object& object, const Target& target, Semantics semantics) {
    return Evaluation(object, target, semantics).run();
}

}  // namespace btfmmap::core_relo
