// Opens inputs whose offsets and sizes add up to more than 32 bits, and asks every question about those that
// open. test_32_bit.py compiles it for a host with a 32-bit std::size_t, and compares the answers with this
// host's. Usage: wrapping CASES [FILE...]. CASES is a file of inputs, each preceded by its size in 32 bits.
// Prints, per input and per other file, "opened" or the error.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <string>

#include "core/base/arena.hpp"
#include "core/base/error.hpp"
#include "core/btf/ext.hpp"
#include "core/input/elf.hpp"
#include "core/input/file.hpp"
#include "exercise_all.hpp"

using namespace btfmmap;

namespace {

void demand(bool good, const char* what) {
    if (!good) {
        std::printf("failed: %s\n", what);
        std::exit(1);
    }
}

template <class Exception, class Work>
bool throws(Work work) {
    try {
        work();
    } catch (const Exception&) {
        return true;
    }
    return false;
}

void check_sums() {
    const std::byte memory[16] = {};
    const Bytes bytes{memory, sizeof memory};
    const auto refuses = [&](std::uint64_t offset, std::uint64_t size) {
        return throws<Error>([&] { bytes.slice(offset, size); });
    };
    for (const std::uint64_t wrap :
         {std::uint64_t{1} << 32, std::uint64_t{3} << 32, std::uint64_t{1} << 63}) {
        demand(refuses(wrap, 0) && refuses(wrap + 8, 8) && refuses(8, wrap) && refuses(8, wrap - 8) &&
                   refuses(wrap - 8, 16) && refuses(wrap + 8, wrap + 8),
               "a slice that ends inside if its sum wraps");
    }
    demand(
        refuses(9, 8) && refuses(17, 0) && refuses(8, ~std::uint64_t{0} - 7) && refuses(~std::uint64_t{0}, 1),
        "a slice outside of its bytes");
    demand(bytes.slice(8, 8).data == memory + 8 && bytes.slice(16, 0).size == 0, "a slice");
    for (const std::uint64_t size :
         {std::uint64_t{1} << 31, std::uint64_t{1} << 32, std::uint64_t{3} << 32}) {
        demand(fits_in_memory(size) == (size <= PTRDIFF_MAX), "fits_in_memory");
    }
    if constexpr (sizeof(std::size_t) == 4) {
        Arena arena(std::uint64_t{1} << 40);
        for (const std::uint64_t count :
             {std::uint64_t{1} << 28, std::uint64_t{1} << 29, std::uint64_t{1} << 30,
              (std::uint64_t{1} << 29) + 2, std::uint64_t{UINT32_MAX} + 1}) {
            demand(throws<std::bad_alloc>([&] { arena.allocate<std::uint64_t>(count); }), "an allocation");
        }
        demand(throws<std::bad_alloc>([&] { arena.allocate<std::byte>(UINT32_MAX); }), "a rounded size");
    }
}

std::optional<Mapping> section(const File& file, const Elf& elf, const char* name) {
    const auto found = elf.find(name);
    return found ? std::optional(file.part(found->offset, found->size)) : std::nullopt;
}

void read(const File& file) {
    if (!Elf::recognises(file.head(4).bytes())) {
        const Btf btf(file.whole(), file.name(), nullptr, 0);
        return fuzz::exercise_all(btf);
    }
    const Elf elf(file);
    const auto types = section(file, elf, ".BTF");
    demand(types.has_value(), ".BTF");
    const Btf btf(*types, file.name(), nullptr, elf.pointer_size());
    fuzz::exercise_all(btf);
    if (const auto ext = section(file, elf, ".BTF.ext")) {
        const Ext opened(*ext, btf, file.name() + ": .BTF.ext");
    }
}

template <class Open>
void report(Open open) {
    try {
        read(open());
        std::puts("opened");
    } catch (const Error& error) {
        std::puts(error.message.c_str());
    }
}

}  // namespace

int main(int argc, char** argv) {
    check_sums();
    std::ifstream cases(argv[1], std::ios::binary);
    std::uint32_t size = 0;
    while (cases.read(reinterpret_cast<char*>(&size), sizeof size)) {
        // Allocated at its exact size, so that the sanitizer sees each byte read past the end.
        const std::shared_ptr<std::byte> content(new std::byte[size], std::default_delete<std::byte[]>());
        cases.read(reinterpret_cast<char*>(content.get()), size);
        report([&] { return File::of({content, size, How::buffer}, "case"); });
    }
    for (int argument = 2; argument != argc; ++argument) {
        report([&] { return File::open(argv[argument], Method::automatic, [] {}); });
    }
}
