#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/base/diagnostic.hpp"
#include "core/index/index.hpp"
#include "core/kernel_rules/rules.hpp"

namespace btfmmap::kernel_rules {

inline std::string number(std::uint64_t value) { return std::to_string(value); }
inline std::string type_text(std::uint32_t type_id) { return "type [" + std::to_string(type_id) + "]"; }

// Reports violations of rules with their place in the blob. Counts them.
class Reporter {
public:
    explicit Reporter(const ReportDiagnostic& report) : report_(report) {}

    void header(Rule rule, std::string message, std::uint64_t offset) {
        add(rule, std::move(message), offset, std::nullopt);
    }

    // `offset` is that of the word in the blob. `what` continues "type [5] ".
    void type(Rule rule, std::uint32_t type_id, std::uint64_t offset, const std::string& what) {
        add(rule, type_text(type_id) + " " + what, offset, type_id);
    }

    std::size_t count() const { return count_; }

private:
    void add(Rule rule, std::string message, std::uint64_t offset, std::optional<std::uint32_t> type_id) {
        ++count_;
        report_({Severity::error, info_of(rule).name, std::move(message), offset, type_id});
    }

    const ReportDiagnostic& report_;
    std::size_t count_ = 0;
};

}  // namespace btfmmap::kernel_rules
