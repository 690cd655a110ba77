// SPDX-License-Identifier: Apache-2.0
//
// CartPole on LibTorch: the same algorithm and the same first weights as cartpole_eigen, with autograd.
#include <ATen/Parallel.h>

#include "program.hpp"
#include "torch_learner.hpp"

int main(int argc, char** argv) {
    at::set_num_threads(1);  // the matrices are too small to share
    return cartpole::run_program("cartpole_torch", {argv + 1, argv + argc},
                                 [](cartpole::settings const& settings, std::uint64_t seed) {
                                     return cartpole::torch_learner(settings.width, seed);
                                 });
}
