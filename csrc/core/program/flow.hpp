#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/program/instruction.hpp"
#include "core/program/object.hpp"

namespace btfmmap::program {

// One instruction as the analysis executes it.
struct Step {
    Instruction instruction;
    // Where a jump or call goes, or a function whose address is loaded; kNone if nowhere in the object.
    std::uint32_t target = kNone;
    // The number of the reference in `Object::references()`; kNone if there is none.
    std::uint32_t reference = kNone;
    // Registers whose values may be read from here on, as bits.
    std::uint16_t live = 0xffff;
    // Whether several paths can meet here.
    bool meets = false;
    // Whether the function that is called or whose address is loaded is global.
    bool global = false;
    // Whether the address of a function is loaded.
    bool function_address = false;
};

// The control flow of an object's programs, calculated once for any number of kernels.
class Flow {
public:
    // Throws Error (not_supported) if there are too many calls.
    explicit Flow(const Object& object);

    const std::vector<Step>& steps() const { return steps_; }
    // The functions that are programs, as numbers in `Object::functions()`.
    const std::vector<std::uint32_t>& programs() const { return programs_; }
    // Whether instruction `at` belongs to a program, or to a function that it can call.
    bool may_contain(std::size_t program, std::uint32_t at) const;

private:
    void resolve(const Object& object);
    void resolve_reference(const Object& object, std::uint32_t at);
    void mark_meetings();
    void find_live_registers();
    void find_called_functions(const Object& object);
    void enter(std::uint32_t at);
    const Function* function_at(const Object& object, std::uint32_t first) const;

    struct Range {
        std::uint32_t first, end;
    };

    std::vector<Step> steps_;
    std::vector<std::uint32_t> programs_;
    std::vector<std::vector<Range>> called_;  // by program, in order
};

}  // namespace btfmmap::program
