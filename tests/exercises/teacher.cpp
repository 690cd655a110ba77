// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <proximal/compose/token_source.hpp>
#include <proximal/eigen.hpp>
#include <proximal/proximal.hpp>

// Distillation: a loss that reads a field which fields.hpp gets by one line (new_token_field.py).
namespace mine {
struct distillation {
    double weight = 0.5;
    constexpr auto operator()(proximal::Token auto const& token) const {
        auto const apart = token.logprob - token.teacher_logprob;
        return -token.advantage * token.logprob + weight * apart * apart;
    }
};
}  // namespace mine

int main() {
    using namespace proximal;
    using eigen::array;
    constexpr algorithm ours{terminal_score{}, gae{.gamma = 1.0, .lam = 1.0}, mine::distillation{}};
    static_assert(needs(algorithm{terminal_score{}, gae{}, mine::distillation{}}).reads(source::teacher_logprob));
    array const ones = array(2, 3) * 0.0 + 1.0;
    rollout<array> const recorded{.logprobs = ones * -1.0,
                                  .values = ones * 0.0,
                                  .rewards = ones * 0.0,
                                  .mask = ones,
                                  .value_mask = ones,
                                  .scores = array(2, 1) * 0.0 + 1.0,
                                  .teacher_logprobs = ones * -3.0};
    auto const judged = ours.evaluate(recorded);
    auto const half = rows(judged, std::initializer_list<int>{1});  // a mini-batch keeps the field
    auto const found = eigen::loss_and_gradient(
        ours, half,
        {.logprobs = rows(prediction<array>{.logprobs = ones * -1.0}, std::initializer_list<int>{1}).logprobs});
    auto const text = token_source(ours.formula);
    bool const traced = std::find(text.inputs.begin(), text.inputs.end(), "teacher_logprob") != text.inputs.end();
    // -A·logp + ½ (−1 + 3)² = 1 + 2; slope (−A + (−1 + 3)) / 3
    std::printf("loss %g, slope %g, traced %d\n", found.loss, found.gradient.logprobs(0, 0), traced);
}
