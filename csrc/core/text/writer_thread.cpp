#include "core/text/writer_thread.hpp"

#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

namespace btfmmap {

namespace {

// Passes buffers from the writer thread to the calling thread, one at a time.
class Exchange {
public:
    // Waits until the previous buffer was taken, then passes this one. Throws Refused after end().
    void give(Output::Buffer& buffer, std::size_t size) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return size_ == 0 || ended_; });
        if (ended_) {
            throw Refused();
        }
        buffer_.swap(buffer);
        size_ = size;
        changed_.notify_one();
    }

    // Swaps the next buffer into `buffer` and returns the size of its text; 0 after the last one.
    std::size_t take(Output::Buffer& buffer) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return size_ != 0 || ended_; });
        buffer_.swap(buffer);
        const std::size_t size = size_;
        size_ = 0;
        changed_.notify_one();
        return size;
    }

    // Called by either thread: no more buffers are passed.
    void end() {
        const std::lock_guard lock(mutex_);
        ended_ = true;
        changed_.notify_one();
    }

    struct Refused {};

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    Output::Buffer buffer_{new char[Output::kSize]};
    std::size_t size_ = 0;
    bool ended_ = false;
};

}  // namespace

void with_writer_thread(const std::function<void(Output&)>& produce, const Output::Sink& sink) {
    Exchange exchange;
    std::exception_ptr failure;
    const auto run = [&] {
        try {
            Output output([&](Output::Buffer& buffer, std::size_t size) { exchange.give(buffer, size); });
            produce(output);
        } catch (const Exchange::Refused&) {
        } catch (...) {
            failure = std::current_exception();
        }
        exchange.end();
    };
    Output::Buffer buffer(new char[Output::kSize]);
    std::thread producer;
    try {
        producer = std::thread(run);
    } catch (const std::system_error&) {  // the user's limit of threads is reached
        Output output(sink);
        produce(output);
        return;
    }
    try {
        while (const std::size_t size = exchange.take(buffer)) {
            sink(buffer, size);
        }
    } catch (...) {
        exchange.end();
        producer.join();
        throw;
    }
    producer.join();
    if (failure) {
        std::rethrow_exception(failure);
    }
}

}  // namespace btfmmap
