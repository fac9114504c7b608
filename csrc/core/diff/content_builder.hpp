#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/diff/content.hpp"
#include "core/diff/kernel_types.hpp"

namespace btfmmap::diff {

// Copies what a definition consists of out of its BTF.
class ContentBuilder {
public:
    explicit ContentBuilder(KernelTypes& types) : types_(types) {}

    // Fills `content`. Its members and containers are those of this object, until the next call. What they
    // embed is left to the caller: parts() says it.
    void build(KernelTypes::TypeRef type, Class class_, Content& content);

    // What a member or container consists of.
    struct Part {
        std::uint32_t number;  // of the member, the type or result included, or of the container
        KernelTypes::TypeRef type;
        bool is_container;
    };
    const std::vector<Part>& parts() const { return parts_; }
    std::vector<Member>& members() { return members_; }
    std::vector<Container>& containers() { return containers_; }

private:
    struct Frame {
        KernelTypes::TypeRef type;
        std::uint32_t next;  // member
        std::uint32_t count;
        std::uint32_t container;
        std::uint32_t holder;
        std::uint32_t depth;
        std::uint64_t bit_offset;
        std::uint64_t end_before;  // of the container itself
        std::uint64_t end;         // of the members so far
        std::size_t path;          // the length of the prefix
        bool flag;
        bool is_union;
        bool is_empty;  // no member so far
    };

    void add_members(KernelTypes::TypeRef type, Content& content);
    bool add_member(Content& content);
    bool may_enter(KernelTypes::TypeRef type, std::uint32_t depth);
    void enter(KernelTypes::TypeRef type, const Frame& frame);
    void add_enumerators(KernelTypes::TypeRef type, Content& content);
    void add_parameters(KernelTypes::TypeRef prototype, Content& content);
    void add_prototype_parts(KernelTypes::TypeRef prototype, Content& content);
    void add_type(KernelTypes::TypeRef type, Content& content);
    void add_held(KernelTypes::TypeRef type, Content& content);
    Member member_of(KernelTypes::TypeRef type);
    void push(Member member, KernelTypes::TypeRef embedded);
    std::uint32_t chained(std::uint32_t chain, char kind);

    KernelTypes& types_;

    std::vector<Frame> frames_;
    std::vector<Part> parts_;
    std::vector<Member> members_;
    std::vector<Container> containers_;
    std::string path_;
    std::uint32_t inner_left_ = 0;
};

}  // namespace btfmmap::diff
