#pragma once

namespace btfmmap::fuzz {

// Returns whether code compiled with -fsanitize-coverage=trace-pc has, since the last call, gone from one
// place to another for the first time.
bool reached_new();

}  // namespace btfmmap::fuzz
