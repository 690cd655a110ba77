// SPDX-License-Identifier: Apache-2.0
#include "mine.hpp"

#include <cstdio>

int main() {
    using namespace proximal;
    using ours = std::remove_cv_t<decltype(mine::algorithm)>;
    auto const loss = mine::pull{}(differentiated_token<double>{
        .logprob = number<double, 3>::variable<0>(-1.0), .old_logprob = -1.0, .advantage = 2.0});
    std::printf("critic %d, reference %d, loss %g, slope %g\n", needs_critic<ours>, needs_reference<ours>, loss.value,
                loss.partial<0>());
}
