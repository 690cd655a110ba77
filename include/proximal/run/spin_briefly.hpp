// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace proximal::run {

/// Lets the threads of GNU's OpenMP wait by sleeping after a short spin, so that a run stays quick beside other work:
/// the first thing in a main(). That runtime reads its settings before main() begins, so the program starts itself
/// anew, once. A user's own OMP_WAIT_POLICY or GOMP_SPINCOUNT wins; programs that this one starts see nothing of it.
///
/// Measured on the quick start, two cores: 4 % slower on a quiet machine, 1.6 times as fast with one core busy, twice
/// with two (docs/trainer.md).
inline void spin_briefly(char** argv) {
    constexpr char const *mark = "PROXIMAL_SPINS_BRIEFLY", *spins = "GOMP_SPINCOUNT";
    if (std::getenv(mark) != nullptr) {
        ::unsetenv(mark), ::unsetenv(spins);
        return;
    }
    if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv(spins) != nullptr) return;
    ::setenv(mark, "1", 1), ::setenv(spins, "1000", 1);
    std::error_code error;
    auto const program =
        std::filesystem::read_symlink("/proc/self/exe", error);  // by its name, as ps and pgrep show it
    if (!error) ::execv(program.c_str(), argv);
    ::unsetenv(mark), ::unsetenv(spins);  // it could not: the run goes on as it is
}

}  // namespace proximal::run
