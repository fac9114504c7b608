#pragma once

#include <cstdint>
#include <vector>

#include "core/program/object.hpp"

namespace btfmmap::program {

// What a relocation makes of an instruction.
struct Relocated {
    enum class Status : std::uint8_t {
        value,     // the instruction has `value`
        poisoned,  // the instruction may not be reached: the verifier refuses it
        unknown,   // the instruction has a value that is not known
    };

    std::uint32_t instruction;  // kNone if the object has no such instruction
    Status status;
    std::uint64_t value;

    bool is_poisoned() const { return status == Status::poisoned; }
};

// What is known about an external symbol when the program is loaded.
struct Resolved {
    enum class Status : std::uint8_t {
        unknown,
        value,    // a variable of the kernel's configuration, with `value`
        absent,   // its address is null
        present,  // its address is not null
    };

    Status status = Status::unknown;
    std::uint64_t value = 0;
};

// What one kernel makes of an object's instructions and external symbols.
class Facts {
public:
    // Keeps references to both vectors. `externals` has the state of each external symbol, or is empty.
    Facts(std::size_t instructions, const std::vector<Relocated>& relocated,
          const std::vector<Resolved>& externals)
        : relocated_(relocated), externals_(externals), relocation_at_(instructions, kNone) {
        // Of several relocations of one instruction, the last one counts, but the first that poisons it.
        for (std::uint32_t i = 0; i != relocated.size(); ++i) {
            const std::uint32_t at = relocated[i].instruction;
            if (at < instructions && !is_poisoned(at)) {
                relocation_at_[at] = i;
            }
        }
    }

    // Returns the relocation of an instruction of the object; null if there is none.
    const Relocated* relocated(std::uint32_t at) const {
        const std::uint32_t relocation = relocation_at_[at];
        return relocation == kNone ? nullptr : &relocated_[relocation];
    }

    Resolved external(std::uint32_t number) const {
        return number < externals_.size() ? externals_[number] : Resolved{};
    }

private:
    bool is_poisoned(std::uint32_t at) const {
        const Relocated* found = relocated(at);
        return found != nullptr && found->is_poisoned();
    }

    const std::vector<Relocated>& relocated_;
    const std::vector<Resolved>& externals_;
    std::vector<std::uint32_t> relocation_at_;  // by instruction
};

}  // namespace btfmmap::program
