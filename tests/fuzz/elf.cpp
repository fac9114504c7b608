// An ELF file: its sections .BTF, .BTF.base and .BTF.ext.

#include "core/input/elf.hpp"

#include "core/base/error.hpp"
#include "core/btf/relocate.hpp"
#include "core/kernel_rules/judge.hpp"
#include "core/loading/object_btf.hpp"
#include "exercise_all.hpp"
#include "input.hpp"

using namespace btfmmap;
using namespace btfmmap::fuzz;

namespace {

std::optional<Mapping> section(const File& file, const Elf& elf, std::string_view name) {
    const auto found = elf.find(name);
    // Compressed sections are left out: Python decompresses them.
    if (!found || found->compression != Compression::none) {
        return std::nullopt;
    }
    return file.part(found->offset, found->size);
}

// Judges the BTF of any file as that of a BPF object.
void load(const File& file, Bytes btf) {
    const loading::ObjectBtf loaded = loading::as_loaded(file, btf);
    kernel_rules::judge({loaded.bytes.data(), loaded.bytes.size()}, nullptr, kernel_rules::Loading::program,
                        0, [](Diagnostic&&) {});
}

void read(const File& file) {
    if (!Elf::recognises(file.head(4).bytes())) {
        return;
    }
    const Elf elf(file);
    elf.find("");
    elf.find(".BTF.no.such.section");
    const auto bytes = section(file, elf, ".BTF");
    if (!bytes) {
        return;
    }
    if (elf.pointer_size() == 8) {
        load(file, bytes->bytes());
    }
    const auto base_bytes = section(file, elf, ".BTF.base");
    const BtfPtr base = base_bytes ? fuzz::open(*base_bytes) : nullptr;
    const auto btf = std::make_shared<const Btf>(*bytes, "input", base, elf.pointer_size());
    exercise_all(*btf);
    if (const auto ext = section(file, elf, ".BTF.ext")) {
        read_ext(*ext, *btf);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        read(File::of(Input(data, size).rest(), "input"));
    } catch (const Error&) {
    }
    return 0;
}
