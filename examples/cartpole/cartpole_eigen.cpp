// SPDX-License-Identifier: Apache-2.0
//
// CartPole on Eigen alone: the library gives the loss's slopes, the chain rule through the networks is written by hand.
#include "eigen_learner.hpp"
#include "program.hpp"

int main(int argc, char** argv) {
    return cartpole::run_program("cartpole_eigen", {argv + 1, argv + argc},
                                 [](cartpole::settings const& settings, std::uint64_t seed) {
                                     return cartpole::eigen_learner(settings.width, seed);
                                 });
}
