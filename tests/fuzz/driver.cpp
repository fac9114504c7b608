// Runs a fuzz target without libFuzzer, as on 32-bit hosts. Inputs from some folders are changed at random;
// those that take a new path through the core are kept. The same seed makes the same inputs. Usage: driver
// SECONDS SEED FINDING FOLDER... The input that ends the run is written to the file FINDING.

#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

#include "coverage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kLongestInput = 8192;  // as `make fuzz` has it
constexpr unsigned kSecondsPerInput = 10;

Input current;
const char* finding;

void write_finding() {
    const int fd = ::open(finding, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd >= 0 && ::write(fd, current.data(), current.size()) >= 0) {
        std::fprintf(stderr, "the input is in %s\n", finding);
    }
}

// Handles the alarm and abort(), which a target calls on a senseless answer.
void on_signal(int number) {
    std::fprintf(stderr, "%s\n", number == SIGALRM ? "an input took too long" : "the target aborted");
    write_finding();
    std::_Exit(1);
}

// Returns a word near the end of a range, or one whose sums wrap at 2^32.
std::uint32_t odd_word(std::mt19937& random) {
    static constexpr std::uint32_t near[] = {0,         24,         32,         0xffffff,
                                             0x1000000, 0x40000000, 0x7fffffff, 0x80000000};
    return static_cast<std::uint32_t>(near[random() % std::size(near)] + random() % 8 * 4 - random() % 20);
}

void change(Input& input, const std::vector<Input>& corpus, std::mt19937& random) {
    const std::size_t at = input.empty() ? 0 : random() % input.size();
    const std::size_t count = std::min<std::size_t>(input.size() - at, 1 + random() % 32);
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (random() % 8) {
        case 0:
            input.erase(place, place + static_cast<std::ptrdiff_t>(count));
            break;
        case 1:
            input.insert(place, count, static_cast<std::uint8_t>(random()));
            break;
        case 2: {
            const Input& other = corpus[random() % corpus.size()];
            const std::size_t from = other.empty() ? 0 : random() % other.size();
            std::copy_n(other.begin() + static_cast<std::ptrdiff_t>(from),
                        std::min({other.size() - from, input.size() - at, std::size_t{1} + random() % 256}),
                        place);
            break;
        }
        case 3:
            std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(random() % (at + 1)), count, place);
            break;
        case 4:
            if (!input.empty()) {
                input[at] = static_cast<std::uint8_t>(input[at] + random() % 9 - 4);
            }
            break;
        case 5:
            if (!input.empty()) {
                input[at] = static_cast<std::uint8_t>(random());
            }
            break;
        default:
            if (const std::size_t word = at / 4 * 4; input.size() >= word + 4) {
                const std::uint32_t value = odd_word(random);
                std::memcpy(&input[word], &value, sizeof value);
            }
    }
    input.resize(std::min(input.size(), kLongestInput));
}

// Returns whether the input reached something new.
bool run(const Input& input) {
    current = input;
    btfmmap::fuzz::reached_new();
    ::alarm(kSecondsPerInput);
    LLVMFuzzerTestOneInput(current.data(), current.size());
    ::alarm(0);
    return btfmmap::fuzz::reached_new();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 5) {
        std::fprintf(stderr, "usage: %s SECONDS SEED FINDING FOLDER...\n", argv[0]);
        return 2;
    }
    finding = argv[3];
    __sanitizer_set_death_callback(write_finding);
    ::signal(SIGABRT, on_signal);
    ::signal(SIGALRM, on_signal);
    std::mt19937 random(static_cast<unsigned>(std::atoi(argv[2])));

    std::vector<Input> corpus;
    for (int argument = 4; argument != argc; ++argument) {
        for (const auto& entry : std::filesystem::directory_iterator(argv[argument])) {
            std::ifstream file(entry.path(), std::ios::binary);
            corpus.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        }
    }
    std::sort(corpus.begin(), corpus.end());  // folders have no order
    const std::size_t seeds = corpus.size();
    for (const Input& seed : corpus) {
        run(seed);
    }

    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(std::atoi(argv[1]));
    std::size_t inputs = seeds;
    while (seeds != 0 && std::chrono::steady_clock::now() < end) {
        Input input = corpus[random() % corpus.size()];
        for (unsigned changes = 1 + random() % 4; changes != 0; --changes) {
            change(input, corpus, random);
        }
        ++inputs;
        if (run(input)) {
            corpus.push_back(std::move(input));
        }
    }
    std::printf("%zu seeds, %zu inputs, %zu of them kept, no finding\n", seeds, inputs,
                corpus.size() - seeds);
    return seeds == 0;
}
