#include "core/kernel_rules/type_tags.hpp"

#include <string>

namespace btfmmap::kernel_rules {

using std::uint32_t;

namespace {

void check_chain(const Types& types, uint32_t start, uint32_t good, bool lengths, bool ends,
                 Reporter& reporter) {
    const auto fault = [&](Rule rule, const std::string& what) {
        reporter.type(rule, start, types.offset(types.record(start) + HeadField::size_or_type), what);
    };
    bool in_tags = types.kind(start) == Kind::TypeTag;
    uint32_t type_id = start;
    unsigned left = kMaxDepth;
    while (has_trait(types.kind(type_id), KindTrait::modifier)) {
        if (left-- == 0) {
            if (!lengths) {
                return;
            }
            return fault(Rule::modifier_chain, "leads to more than " + number(kMaxDepth) +
                                                   " typedefs, qualifiers and type tags, or back to itself");
        }
        const bool is_tag = types.kind(type_id) == Kind::TypeTag;
        if (is_tag && !in_tags) {
            return fault(Rule::tag_order, "leads to the TYPE_TAG " + type_text(type_id) +
                                              " after a typedef or qualifier; type tags must come first");
        }
        in_tags = in_tags && is_tag;
        if (type_id <= good) {
            return;
        }
        type_id = types.size_or_type(type_id);
        if (!types.exists(type_id)) {
            if (ends && !types.unknown(type_id)) {
                fault(Rule::type_id, "leads to " + type_text(type_id) + ", which does not exist");
            }
            return;
        }
    }
}

}  // namespace

void check_type_tags(const Types& types, bool lengths, bool ends, Reporter& reporter) {
    // Chains that begin at types up to this one are known to be in order: they end where one is reached.
    uint32_t good = types.first_record_id() - 1;
    for (uint32_t type_id = types.first_record_id(); type_id < types.end_id(); ++type_id) {
        if (has_trait(types.kind(type_id), KindTrait::modifier)) {
            check_chain(types, type_id, good, lengths, ends, reporter);
            good = type_id;
        }
    }
}

}  // namespace btfmmap::kernel_rules
