#include "core/arrow/export.hpp"

#include <cerrno>
#include <cstddef>
#include <new>
#include <utility>

namespace btfmmap::arrow {

namespace {

using Columns = std::shared_ptr<const std::vector<Column>>;

// What a Schema or an Array refers to. Children and dictionaries have their own: the interface allows a
// consumer to move them out of their parent and to release them later.
template <class Node>
struct Owned {
    std::shared_ptr<const void> columns;
    std::vector<const void*> buffers;
    std::vector<Node> children;
    std::vector<Node*> child_pointers;
    Node dictionary{};
};

template <class Node>
void release_node(Node* node) {
    for (std::int64_t i = 0; i != node->child_count; ++i) {
        if (node->children[i]->release != nullptr) {
            node->children[i]->release(node->children[i]);
        }
    }
    if (node->dictionary != nullptr && node->dictionary->release != nullptr) {
        node->dictionary->release(node->dictionary);
    }
    delete static_cast<Owned<Node>*>(node->private_data);
    node->release = nullptr;
}

// Builds a node; releases it, with all that it has so far, unless it was taken.
template <class Node>
class NodeBuilder {
public:
    explicit NodeBuilder(std::shared_ptr<const void> columns) : owned_(new Owned<Node>) {
        owned_->columns = std::move(columns);
        node_.private_data = owned_;
        node_.release = release_node<Node>;
    }
    ~NodeBuilder() {
        if (node_.release != nullptr) {
            node_.release(&node_);
        }
    }
    NodeBuilder(const NodeBuilder&) = delete;
    NodeBuilder& operator=(const NodeBuilder&) = delete;

    Node& node() { return node_; }
    Owned<Node>& owned() { return *owned_; }

    // Makes room for children. `fill(i, child)` fills each; those filled before an exception are released.
    template <class Fill>
    void add_children(std::size_t count, Fill fill) {
        owned_->children.resize(count);
        owned_->child_pointers.resize(count);
        node_.children = owned_->child_pointers.data();
        for (std::size_t i = 0; i != count; ++i) {
            owned_->child_pointers[i] = &owned_->children[i];
            fill(i, &owned_->children[i]);
            ++node_.child_count;
        }
    }

    template <class Fill>
    void add_dictionary(Fill fill) {
        fill(&owned_->dictionary);
        node_.dictionary = &owned_->dictionary;
    }

    void move_to(Node* out) {
        *out = node_;
        node_.release = nullptr;
    }

private:
    Owned<Node>* owned_;
    Node node_{};
};

void fill(const std::shared_ptr<const void>& columns, const Column& column, Schema* out) {
    NodeBuilder<Schema> builder(columns);
    builder.node().format = column.format.c_str();
    builder.node().name = column.name.c_str();
    if (column.dictionary != nullptr) {
        builder.add_dictionary([&](Schema* to) { fill(columns, *column.dictionary, to); });
    }
    builder.move_to(out);
}

void fill(const std::shared_ptr<const void>& columns, const Column& column, Array* out) {
    NodeBuilder<Array> builder(columns);
    builder.owned().buffers = column.buffers;
    builder.node().length = column.rows;
    builder.node().buffer_count = static_cast<std::int64_t>(column.buffers.size());
    builder.node().buffers = builder.owned().buffers.data();
    if (column.dictionary != nullptr) {
        builder.add_dictionary([&](Array* to) { fill(columns, *column.dictionary, to); });
    }
    builder.move_to(out);
}

void export_batch(const Columns& columns, std::int64_t rows, Array* out) {
    NodeBuilder<Array> builder(columns);
    builder.owned().buffers = {nullptr};
    builder.node().length = rows;
    builder.node().buffer_count = 1;
    builder.node().buffers = builder.owned().buffers.data();
    builder.add_children(columns->size(),
                         [&](std::size_t i, Array* child) { fill(columns, (*columns)[i], child); });
    builder.move_to(out);
}

struct Batch {
    Columns columns;
    std::int64_t rows;
    bool done = false;
};

Batch& batch_of(Stream* stream) { return *static_cast<Batch*>(stream->private_data); }

int get_schema(Stream* stream, Schema* out) {
    try {
        export_schema(batch_of(stream).columns, out);
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    }
    return 0;
}

int get_next(Stream* stream, Array* out) {
    Batch& batch = batch_of(stream);
    *out = {};  // without `release`, it is the end of the stream
    try {
        if (!batch.done) {
            export_batch(batch.columns, batch.rows, out);
        }
    } catch (const std::bad_alloc&) {
        return ENOMEM;
    }
    batch.done = true;
    return 0;
}

const char* get_last_error(Stream*) { return nullptr; }

void release_stream(Stream* stream) {
    delete static_cast<Batch*>(stream->private_data);
    stream->release = nullptr;
}

}  // namespace

void export_schema(Columns columns, Schema* out) {
    NodeBuilder<Schema> builder(columns);
    builder.node().format = "+s";
    builder.node().name = "";
    builder.add_children(columns->size(),
                         [&](std::size_t i, Schema* child) { fill(columns, (*columns)[i], child); });
    builder.move_to(out);
}

void export_stream(Columns columns, std::int64_t rows, Stream* out) {
    *out = {get_schema, get_next, get_last_error, release_stream, new Batch{std::move(columns), rows}};
}

}  // namespace btfmmap::arrow
