#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/analysis/btf_sizes.hpp"
#include "core/btf/record.hpp"
#include "core/corpus/entry.hpp"
#include "core/corpus/row_pairs.hpp"
#include "core/corpus/words.hpp"
#include "core/diff/interner.hpp"
#include "core/index/references.hpp"

namespace btfmmap::corpus {

// The names and records of a catalog.
struct Store {
    diff::Interner names;
    diff::Interner records;
    // Of one call, kept because new memory for each would cost more than what is done with it.
    std::vector<std::uint32_t> words, name_numbers;
};

// Numbers the types of one BTF. Throws Error (not_supported) if a limit is exceeded or a kind is unknown.
class Addition {
public:
    Addition(Store& store, std::shared_ptr<const BtfSizes> sizes, std::shared_ptr<const Entry> base);

    std::shared_ptr<const Entry> add_all();

    // The same for a standalone BTF that is similar to another: types that are the same get its numbers.
    // `equals` has the numbers of types without a name that are not taken over, since several in one BTF are
    // equal.
    //
    // Returns nullptr if a type without a name contains itself, or if one is equal to another that was taken
    // over; then `equals` has the equal ones of this BTF too. Their ordinals depend on the order in which
    // types are added. The limit of names applies to those of the types that are not taken over.
    std::shared_ptr<const Entry> add_after(const Entry& before, const RowPairs& pairs,
                                           std::vector<std::uint32_t>& equals);

private:
    enum class State : std::uint8_t { unknown, entered, done };

    void read_layouts();
    std::uint32_t layout_word(std::size_t number, std::uint32_t row) const;
    std::uint32_t name_at(std::uint32_t offset);
    std::uint32_t intern(const std::uint32_t* words, std::size_t count);
    std::uint32_t reference(Kind kind, bool flag, std::uint32_t name, std::uint32_t ordinal);
    std::uint32_t counted(std::uint32_t number);
    std::uint32_t identity(std::size_t row);
    void set_token_of(std::size_t row);
    void set_token(std::size_t row, std::uint32_t first);
    void set_tokens_after(const Entry& before, const RowPairs& pairs);
    void add(std::uint32_t root);
    std::uint32_t token(std::uint32_t type_id);
    void build(std::uint32_t row);
    void add_members(const TypeRecord& record);
    void add_enumerators(const TypeRecord& record);

    bool is_own(std::uint32_t type_id) const { return type_id >= index_.first_id(); }
    std::uint32_t row_of(std::uint32_t type_id) const { return type_id - index_.first_id(); }
    // Whether the row is a FWD of a union: a struct and a union of one name are different types.
    bool has_flag(std::size_t row) const {
        return index_.kind(row) == Kind::Fwd && TypeRecord(btf_, index_.id(row)).flag();
    }

    // Calls `visit(row)` for the own types that a record refers to, and that have no token yet.
    template <class Visit>
    void each_missing(std::uint32_t row, Visit visit) const {
        each_reference(index_, row, [&](Reference what, const std::byte* word) {
            if (what != Reference::type) {
                return;
            }
            const std::uint32_t id = index_.load(word);
            if (id < index_.end_id() && is_own(id) && entry_->tokens[row_of(id)] == 0 &&
                states_[row_of(id)] != State::done) {
                visit(row_of(id));
            }
        });
    }

    Store& store_;
    const BtfSizes& sizes_;
    const Btf& btf_;
    const Index& index_;
    std::shared_ptr<Entry> entry_;
    std::uint64_t names_left_;
    std::uint32_t last_name_ = 0;
    std::uint32_t last_record_ = 0;
    std::vector<State> states_;           // per row
    std::vector<std::uint64_t> prints_;   // likewise
    std::vector<std::uint32_t> layouts_;  // row of the table of layouts, per row
    const Column* layout_columns_[kLayoutWords] = {};
    std::vector<std::uint32_t> pending_;
};

}  // namespace btfmmap::corpus
