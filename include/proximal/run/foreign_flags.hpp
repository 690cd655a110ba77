// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <set>
#include <string>
#include <string_view>

namespace proximal::run {

/// What a flag of another library (verl, OpenRLHF, TRL's other trainers) is called here, or why there is nothing. The
/// fields of TRL's PPOv2Config that have no effect here are in refused_fields.hpp.
struct foreign_flag {
    std::string_view name;
    std::string_view ours;       // "--group_size"; empty where it is not supported
    std::string_view because;    // the reason, or what differs
    bool of_supervised = false;  // of sft and reward: no answer in a program that has not the flag
};

namespace detail {
inline constexpr std::string_view full_models = "all weights are trained; give a merged model in --sft_model_path";
inline constexpr std::string_view own_generation = "models generate in the program itself";
inline constexpr std::string_view whole_prompts =
    "prompts are taken whole; give --max_prompt_length to leave out longer ones";

inline constexpr std::array foreign_flags{
    // TRL: other trainers of its
    foreign_flag{"beta", "--kl_loss_coef (grpo) or --kl_coef (ppo, rloo)", ""},
    foreign_flag{"init_kl_coef", "--kl_coef", ""},
    foreign_flag{"epsilon", "--cliprange", "Adam's is --adam_epsilon"},
    foreign_flag{"epsilon_high", "--cliprange_high", ""},
    foreign_flag{"num_generations", "--group_size", ""},
    foreign_flag{"rloo_k", "--group_size", ""},
    foreign_flag{"max_new_tokens", "--response_length", ""},
    foreign_flag{"max_completion_length", "--response_length", ""},
    foreign_flag{"ppo_epochs", "--num_ppo_epochs", ""},
    foreign_flag{"num_iterations", "--num_ppo_epochs", ""},
    foreign_flag{"steps", "--total_episodes", "counted in episodes, not in steps"},
    foreign_flag{"non_eos_penalty", "--missing_eos_penalty", ""},
    foreign_flag{"penalty_reward_value", "--missing_eos_penalty", "subtracted from the score"},
    foreign_flag{"truncate_prompt", "", whole_prompts},
    foreign_flag{"scale_rewards", "", "compose another estimator: --algorithm grpo divides by the deviation"},
    foreign_flag{"reward_model", "--reward_model_path", ""},
    foreign_flag{"reward_funcs", "--reward_command", "a program of your own, in JSON lines"},
    foreign_flag{"value_model_path", "", "the critic starts as --reward_model_path"},
    foreign_flag{"ref_model", "", "the reference is --sft_model_path"},
    foreign_flag{"use_peft", "", full_models},
    foreign_flag{"lora_r", "", full_models},
    foreign_flag{"lora_alpha", "", full_models},
    foreign_flag{"lora_dropout", "", full_models},
    foreign_flag{"lora_target_modules", "", full_models},
    foreign_flag{"lora_rank", "", full_models},
    foreign_flag{"load_in_4bit", "", full_models},
    foreign_flag{"load_in_8bit", "", full_models},
    foreign_flag{"torch_dtype", "--bf16 or --fp16", ""},
    foreign_flag{"dtype", "--bf16 or --fp16", ""},
    foreign_flag{"attn_implementation", "", "attention has one implementation"},
    foreign_flag{"trust_remote_code", "", "no code of a model's folder is run"},
    foreign_flag{"model_revision", "", "give the snapshot's folder in --sft_model_path"},
    foreign_flag{"use_vllm", "", own_generation},
    foreign_flag{"ds3_gather_for_generation", "--gather_for_generation", ""},
    // transformers.TrainingArguments
    foreign_flag{"num_epochs", "--num_train_epochs", ""},
    foreign_flag{"train_batch_size", "--per_device_train_batch_size",
                 "a batch is it x --gradient_accumulation_steps x --num_mini_batches"},
    foreign_flag{"eval_batch_size", "--per_device_eval_batch_size", ""},
    foreign_flag{"warmup", "--warmup_ratio or --warmup_steps", ""},
    foreign_flag{"lr", "--learning_rate", ""},
    foreign_flag{"scheduler", "--lr_scheduler_type", ""},
    foreign_flag{"max_gradient_norm", "--max_grad_norm", ""},
    foreign_flag{"zero_stage", "--sharding", "zero1, zero2 or zero3"},
    // verl and OpenRLHF
    foreign_flag{"n", "--group_size", ""},
    foreign_flag{"n_samples_per_prompt", "--group_size", ""},
    foreign_flag{"clip_ratio", "--cliprange", ""},
    foreign_flag{"clip_ratio_low", "--cliprange_low", ""},
    foreign_flag{"clip_ratio_high", "--cliprange_high", ""},
    foreign_flag{"clip_ratio_c", "--clip_c", ""},
    foreign_flag{"eps_clip", "--cliprange", ""},
    foreign_flag{"eps_clip_low_high", "--cliprange_low and --cliprange_high", ""},
    foreign_flag{"value_clip", "--cliprange_value", ""},
    foreign_flag{"cliprange_val", "--cliprange_value", ""},
    foreign_flag{"lambd", "--lam", ""},
    foreign_flag{"lambda", "--lam", ""},
    foreign_flag{"gae_lambda", "--lam", ""},
    foreign_flag{"discount", "--gamma", ""},
    foreign_flag{"entropy_coeff", "",
                 "compose it: total(clipped_surrogate{}, entropy_bonus{}) in an algorithm of your own"},
    foreign_flag{"entropy_coef", "",
                 "compose it: total(clipped_surrogate{}, entropy_bonus{}) in an algorithm of your own"},
    foreign_flag{"entropy_loss_coef", "",
                 "compose it: total(clipped_surrogate{}, entropy_bonus{}) in an algorithm of your own"},
    foreign_flag{"target_kl", "", "compose it: target_kl{} as an algorithm's fifth part"},
    foreign_flag{"kl_estimator", "", "compose it: kl_penalty<k1>, <k2>, <k3> in an algorithm of your own"},
    foreign_flag{"loss_type", "--algorithm", "a loss is part of an algorithm"},
    foreign_flag{"kl_penalty", "", "compose it: kl_penalty<k1>, <k2>, <k3> in an algorithm of your own"},
    foreign_flag{"max_length", "--max_seq_length", "of prompt and answer together", true},
    foreign_flag{"max_length", "--response_length", "of the response alone"},
    foreign_flag{"max_seq_length", "--max_length", "of prompt and answer together", true},
    // TRL's SFTConfig and RewardConfig
    foreign_flag{"completion_only_loss", "--prompt_loss_weight", "0 counts the answers' tokens alone", true},
    foreign_flag{"assistant_only_loss", "--prompt_loss_weight", "0 counts the answers' tokens alone", true},
    foreign_flag{"packing", "", "no padding is computed on, so nothing is gained by it"},
    foreign_flag{"eval_packing", "", "no padding is computed on, so nothing is gained by it"},
    foreign_flag{"padding_free", "", "no padding is computed on, ever"},
    foreign_flag{"pad_to_multiple_of", "", "no padding is computed on, ever"},
    foreign_flag{"dataset_text_field", "", "texts are in the fields \"prompt\" and \"completion\", or \"messages\""},
    foreign_flag{"disable_dropout", "", "dropout is always off"},
    foreign_flag{"activation_offloading", "--gradient_checkpointing", "computes them twice instead"},
    foreign_flag{"wandb", "", "--report_to is tensorboard or none; metrics.jsonl is always written"},
    foreign_flag{"vllm", "", own_generation},
    foreign_flag{"total_epochs", "--num_train_epochs", ""},
    foreign_flag{"sanity_check", "", "give --total_episodes a small number"},
    foreign_flag{"kl_target", "", "compose it: controlled_kl_penalty as a part of the shaper"},
    foreign_flag{"kl_loss_coeff", "--kl_loss_coef", ""},
    foreign_flag{"use_kl_loss", "", "--algorithm grpo has the KL in the loss, ppo in the reward"},
    foreign_flag{"adv_estimator", "--algorithm", ""},
    foreign_flag{"advantage_estimator", "--algorithm", ""},
    foreign_flag{"ppo_mini_batch_size", "--num_mini_batches", "a number of steps, not of episodes"},
    foreign_flag{"ppo_micro_batch_size_per_gpu", "--per_device_train_batch_size", ""},
    foreign_flag{"micro_train_batch_size", "--per_device_train_batch_size", ""},
    foreign_flag{"micro_rollout_batch_size", "--local_rollout_forward_batch_size", ""},
    foreign_flag{"rollout_batch_size", "",
                 "it is per_device_train_batch_size x gradient_accumulation_steps x "
                 "num_mini_batches: set those"},
    foreign_flag{"generate_max_len", "--response_length", ""},
    foreign_flag{"max_response_length", "--response_length", ""},
    foreign_flag{"prompt_max_len", "--max_prompt_length", "longer prompts are left out"},
    foreign_flag{"actor_learning_rate", "--learning_rate", "one rate for policy and critic"},
    foreign_flag{"critic_learning_rate", "--learning_rate", "one rate for policy and critic"},
    foreign_flag{"pretrain", "--sft_model_path", ""},
    foreign_flag{"reward_pretrain", "--reward_model_path", ""},
    foreign_flag{"critic_pretrain", "", "the critic starts as --reward_model_path"},
    foreign_flag{"remote_rm_url", "--reward_command", "a program of your own, in JSON lines"},
    foreign_flag{"prompt_data", "--dataset_name", ""},
    foreign_flag{"train_files", "--dataset_name", ""},
    foreign_flag{"val_files", "--dataset_name",
                 "a folder with validation.jsonl beside train.jsonl; its splits are named by --dataset_test_split"},
    foreign_flag{"input_key", "", "prompts are in the field \"prompt\" or \"messages\""},
    foreign_flag{"apply_chat_template", "", "messages are always rendered by the model's template"},
    foreign_flag{"save_path", "--output_dir", ""},
    foreign_flag{"save_dir", "--output_dir", ""},
    foreign_flag{"output", "--output_dir", ""},
    foreign_flag{"ckpt_path", "--output_dir", "checkpoints lie there"},
    foreign_flag{"num_episodes", "--num_train_epochs", "passes over the data; episodes are --total_episodes"},
    foreign_flag{"max_epochs", "--num_ppo_epochs", ""},
    foreign_flag{"max_norm", "--max_grad_norm", ""},
    foreign_flag{"grad_clip", "--max_grad_norm", ""},
    foreign_flag{"use_wandb", "", "--report_to is tensorboard or none; metrics.jsonl is always written"},
    foreign_flag{"wandb_project", "", "--report_to is tensorboard or none; metrics.jsonl is always written"},
    foreign_flag{"top_p", "", "tokens are drawn from the whole distribution, as the loss assumes"},
    foreign_flag{"top_k", "", "tokens are drawn from the whole distribution, as the loss assumes"},
    foreign_flag{"model", "--sft_model_path", ""},
    foreign_flag{"model_path", "--sft_model_path", ""},
    foreign_flag{"tokenizer", "--model_name_or_path", ""},
    foreign_flag{"tokenizer_name_or_path", "--model_name_or_path", ""},
    foreign_flag{"dataset", "--dataset_name", ""},
};
}  // namespace detail

/// The row of a flag; of a dotted one (actor_rollout_ref.rollout.n) the last word's. Of several rows, for several
/// programs, the first whose answer is among the `known` flags. None where nothing is known.
inline foreign_flag const* find_foreign_flag(std::string_view name, std::set<std::string> const& known = {}) {
    name = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
    foreign_flag const* first = nullptr;
    for (auto const& row : detail::foreign_flags) {
        if (row.name != name) continue;
        auto const answer = row.ours.substr(std::min<std::size_t>(2, row.ours.size()));
        if (known.contains(std::string(answer.substr(0, answer.find(' '))))) return &row;
        if (first == nullptr && (known.empty() || !row.of_supervised)) first = &row;
    }
    return first;
}

}  // namespace proximal::run
