// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <proximal/lm/reward/text_reward.hpp>
#include <proximal/lm/train/ppo_trainer.hpp>
#include <proximal/proximal.hpp>
#include <proximal/text/bpe_trainer.hpp>

namespace px = proximal;
namespace lm = proximal::lm;

namespace {

/// The reward: the share of a response's characters that are vowels. Any function of two strings will do.
double share_of_vowels(std::string const& /*prompt*/, std::string const& response) {
    auto const is_vowel = [](char c) { return std::string_view("aeiou").find(c) != std::string_view::npos; };
    auto const vowels = static_cast<double>(std::count_if(response.begin(), response.end(), is_vowel));
    return response.empty() ? 0.0 : vowels / static_cast<double>(response.size());
}

double mean_score(std::vector<lm::sample> const& samples) {
    double total = 0.0;
    for (auto const& sample : samples) total += sample.score;
    return total / static_cast<double>(samples.size());
}

}  // namespace

/// A language model learns what a C++ function likes: GRPO, so no reward model, no critic and no reference; no file
/// read or written, the model begins at random. Exits with 0 where the reward rose.
int main() {
    px::text::tokenizer words =
        px::text::train_bpe(std::vector<std::string>{"one two three"}, {.vocabulary_size = 260});
    words.add_pad_token("[PAD]");
    auto const policy = lm::make_causal_lm({{"model_type", "gpt_neox"},
                                            {"vocab_size", words.size()},
                                            {"hidden_size", 32},
                                            {"num_hidden_layers", 2},
                                            {"num_attention_heads", 2},
                                            {"intermediate_size", 64},
                                            {"max_position_embeddings", 32}},
                                           1);
    px::text::prompt_dataset prompts;
    for (auto const* const text : {"one", "two", "three", "four", "five", "six", "seven", "eight"})
        prompts.prompts.push_back(words.encode(text));

    px::run::PPOv2Config config;
    config.per_device_train_batch_size = 64;  // 8 prompts, 8 responses each
    config.num_ppo_epochs = 2;
    config.total_episodes = 64 * 40;
    config.response_length = 12;
    config.temperature = 1.0;
    config.learning_rate = 3e-3;

    constexpr px::algorithm grpo{px::terminal_score{}, px::grpo{.group_size = 8}, px::clipped_surrogate{},
                                 px::sequence_mean_token_mean{}};
    static_assert(!px::needs_critic<decltype(grpo)> && !px::needs_reference<decltype(grpo)>);
    lm::ppo_trainer trainer(grpo, {.config = config,
                                   .tokenizer = words,
                                   .policy = policy,
                                   .ref_policy = {},
                                   .reward_model = lm::text_reward(share_of_vowels),
                                   .train_dataset = prompts});

    auto const before = trainer.answer(prompts.prompts, config.temperature);
    while (trainer.state().update < trainer.state().updates) {
        auto const logged = trainer.step();
        if (trainer.state().update % 10 == 0)
            fmt::print("update {:3}: reward {:.3f}\n", trainer.state().update, *logged.find("objective/scores"));
    }
    auto const after = trainer.answer(prompts.prompts, config.temperature);
    fmt::print("reward before {:.3f}, after {:.3f}; {} is now answered by {}\n", mean_score(before), mean_score(after),
               after[0].query, after[0].response);
    return mean_score(after) > mean_score(before) ? 0 : 1;
}
