#include "core/lint/lint.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "core/analysis/btf_sizes.hpp"
#include "core/input/file.hpp"
#include "core/kernel_rules/judge.hpp"
#include "core/kernel_rules/rules.hpp"
#include "core/loading/object_btf.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

// Returns the bytes of a file. Copies a borrowed buffer, so that all findings describe the same state.
Mapping stable_bytes(const File& file) {
    Mapping mapping = file.whole();
    if (mapping.how() != How::buffer) {
        return mapping;
    }
    const Bytes bytes = mapping.bytes();
    const auto copy = std::make_shared<const std::vector<std::byte>>(bytes.data, bytes.data + bytes.size);
    return Mapping::borrow({copy->data(), copy->size()}, copy, How::read);
}

// The first `limit` errors and the first `limit` notes, and the numbers of both.
class Kept {
public:
    explicit Kept(std::size_t limit) : limit_(limit) {}

    void keep(Diagnostic&& diagnostic) {
        if (counts_[static_cast<std::size_t>(diagnostic.severity)]++ < limit_) {
            kept_.push_back(std::move(diagnostic));
        }
    }

    // Keeps findings of the kernel's rules as notes, except where something is noted already.
    void keep_as_notes(const Kept& kernel) {
        std::unordered_set<std::uint64_t> noted;
        for (const Diagnostic& each : kept_) {
            if (each.offset) {
                noted.insert(*each.offset);
            }
        }
        for (Diagnostic each : kernel.kept_) {
            if (!each.offset || noted.count(*each.offset) == 0) {
                each.severity = Severity::note;
                keep(std::move(each));
            }
        }
    }

    // The first diagnostic, or None.
    py::object first() const {
        return kept_.empty() ? py::object(py::none()) : py::object(row(kept_.front()));
    }

    // Returns a list of (is an error, rule, message, offset, type ID), the number of errors and the number of
    // notes.
    py::tuple to_python() const {
        py::list rows;
        for (const Diagnostic& each : kept_) {
            rows.append(row(each));
        }
        return py::make_tuple(rows, counts_[0], counts_[1]);
    }

private:
    static py::tuple row(const Diagnostic& each) {
        return py::make_tuple(each.severity == Severity::error, each.rule, to_printable(each.message),
                              each.offset, each.type_id);
    }

    std::size_t limit_;
    std::vector<Diagnostic> kept_;
    std::size_t counts_[2] = {};
};

// How the kernel takes a BTF, and as whose.
struct Judgement {
    const BtfSizes* base;
    bool kernel;  // the base of a module
    std::uint32_t pointer_size;
    const File* bpf_object;  // the BPF object that contains it, to be judged as libbpf loads it

    // Returns what was read of the blob; nullptr if there are violations, or if other bytes were judged.
    std::unique_ptr<ReadableBtf> judge(Bytes blob, Kept& kept) const {
        const auto keep = [&](Diagnostic&& diagnostic) { kept.keep(std::move(diagnostic)); };
        loading::ObjectBtf loaded;
        if (bpf_object != nullptr) {
            loaded = loading::as_loaded(*bpf_object, blob);
            blob = {loaded.bytes.data(), loaded.bytes.size()};
        }
        if (loaded.problem) {
            keep({Severity::error, kernel_rules::info_of(kernel_rules::Rule::object).name, *loaded.problem,
                  std::nullopt, std::nullopt});
            return nullptr;
        }
        auto read = kernel_rules::judge(
            blob, base == nullptr ? nullptr : &base->btf(),
            kernel ? kernel_rules::Loading::kernel : kernel_rules::Loading::program, pointer_size, keep);
        return bpf_object == nullptr ? std::move(read) : nullptr;
    }
};

// Returns what to_python() returns, and the reason for which the kernel refuses the BTF, or None.
py::tuple lint_file(const File& file, const BtfSizes* base, std::uint32_t pointer_size, std::size_t limit,
                    const File* bpf_object) {
    Kept kept(limit), kernel(std::max<std::size_t>(limit, 1));
    {
        const py::gil_scoped_release unlocked;
        const Mapping mapping = stable_bytes(file);
        std::optional<LintBase> lint_base;
        if (base != nullptr) {
            lint_base.emplace(LintBase{base->btf(), base->sizes()});
        }
        const auto read = Judgement{base, false, pointer_size, bpf_object}.judge(mapping.bytes(), kernel);
        // The kernel's verdict vouches for the references of standalone BTF only.
        lint(mapping.bytes(), lint_base ? &*lint_base : nullptr, pointer_size,
             base == nullptr ? read.get() : nullptr,
             [&](Diagnostic&& diagnostic) { kept.keep(std::move(diagnostic)); });
        kept.keep_as_notes(kernel);
    }
    return py::tuple(kept.to_python() + py::make_tuple(kernel.first()));
}

py::tuple judge_file(const File& file, const BtfSizes* base, bool kernel, std::uint32_t pointer_size,
                     std::size_t limit, const File* bpf_object) {
    Kept kept(limit);
    {
        const py::gil_scoped_release unlocked;
        const Mapping mapping = stable_bytes(file);
        Judgement{base, kernel, pointer_size, bpf_object}.judge(mapping.bytes(), kept);
    }
    return kept.to_python();
}

// Returns the bytes of the BTF of a BPF object as libbpf loads it, and why it does not load it, or None.
py::tuple load_object(const File& bpf_object, const File& file) {
    loading::ObjectBtf loaded;
    {
        const py::gil_scoped_release unlocked;
        loaded = loading::as_loaded(bpf_object, file.whole().bytes());
    }
    return py::make_tuple(py::bytes(reinterpret_cast<const char*>(loaded.bytes.data()), loaded.bytes.size()),
                          loaded.problem);
}

// Returns (name, kinds, text, function, log) for each rule of the kernel.
py::list kernel_rule_table() {
    py::list rows;
    for (const kernel_rules::RuleInfo& each : kernel_rules::kRules) {
        rows.append(py::make_tuple(each.name, each.kinds, each.text, each.function, each.log));
    }
    return rows;
}

}  // namespace

void register_lint(py::module_& module) {
    module.def("lint", lint_file, py::arg("file"), py::arg("base"), py::arg("pointer_size"), py::arg("limit"),
               py::arg("bpf_object"), "Find errors and unusual records in a BTF.");
    module.def(
        "kernel_rules_version", [] { return kernel_rules::kKernelVersion; },
        "Return the version of Linux whose rules judge() knows.");
    module.def("judge", judge_file, py::arg("file"), py::arg("base"), py::arg("kernel"),
               py::arg("pointer_size"), py::arg("limit"), py::arg("bpf_object"),
               "Find what the kernel would refuse a BTF for.");
    module.def("as_loaded", load_object, py::arg("bpf_object"), py::arg("file"),
               "Mend the BTF of a BPF object as libbpf does.");
    module.def("kernel_rules", kernel_rule_table, "List the rules by which the kernel judges BTF.");
}

}  // namespace btfmmap::bindings
