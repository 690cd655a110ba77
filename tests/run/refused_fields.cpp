// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <proximal/run/flags.hpp>
#include <proximal/run/ppo_config.hpp>
#include <proximal/run/refused_fields.hpp>
#include <set>
#include <string>

using namespace proximal::run;

namespace {
/// The fields of TRL v0.11.4's PPOv2Config, on transformers 4.45.2, with their kinds: a bool, a whole number, a number,
/// text (of a list or a dictionary too).
std::map<std::string, std::string> const trl_fields{{"output_dir", "str"},
                                                    {"overwrite_output_dir", "bool"},
                                                    {"do_train", "bool"},
                                                    {"do_eval", "bool"},
                                                    {"do_predict", "bool"},
                                                    {"eval_strategy", "str"},
                                                    {"prediction_loss_only", "bool"},
                                                    {"per_device_train_batch_size", "int"},
                                                    {"per_device_eval_batch_size", "int"},
                                                    {"per_gpu_train_batch_size", "int"},
                                                    {"per_gpu_eval_batch_size", "int"},
                                                    {"gradient_accumulation_steps", "int"},
                                                    {"eval_accumulation_steps", "int"},
                                                    {"eval_delay", "float"},
                                                    {"torch_empty_cache_steps", "int"},
                                                    {"learning_rate", "float"},
                                                    {"weight_decay", "float"},
                                                    {"adam_beta1", "float"},
                                                    {"adam_beta2", "float"},
                                                    {"adam_epsilon", "float"},
                                                    {"max_grad_norm", "float"},
                                                    {"num_train_epochs", "float"},
                                                    {"max_steps", "int"},
                                                    {"lr_scheduler_type", "str"},
                                                    {"lr_scheduler_kwargs", "str"},
                                                    {"warmup_ratio", "float"},
                                                    {"warmup_steps", "int"},
                                                    {"log_level", "str"},
                                                    {"log_level_replica", "str"},
                                                    {"log_on_each_node", "bool"},
                                                    {"logging_dir", "str"},
                                                    {"logging_strategy", "str"},
                                                    {"logging_first_step", "bool"},
                                                    {"logging_steps", "float"},
                                                    {"logging_nan_inf_filter", "bool"},
                                                    {"save_strategy", "str"},
                                                    {"save_steps", "float"},
                                                    {"save_total_limit", "int"},
                                                    {"save_safetensors", "bool"},
                                                    {"save_on_each_node", "bool"},
                                                    {"save_only_model", "bool"},
                                                    {"restore_callback_states_from_checkpoint", "bool"},
                                                    {"no_cuda", "bool"},
                                                    {"use_cpu", "bool"},
                                                    {"use_mps_device", "bool"},
                                                    {"seed", "int"},
                                                    {"data_seed", "int"},
                                                    {"jit_mode_eval", "bool"},
                                                    {"use_ipex", "bool"},
                                                    {"bf16", "bool"},
                                                    {"fp16", "bool"},
                                                    {"fp16_opt_level", "str"},
                                                    {"half_precision_backend", "str"},
                                                    {"bf16_full_eval", "bool"},
                                                    {"fp16_full_eval", "bool"},
                                                    {"tf32", "bool"},
                                                    {"local_rank", "int"},
                                                    {"ddp_backend", "str"},
                                                    {"tpu_num_cores", "int"},
                                                    {"tpu_metrics_debug", "bool"},
                                                    {"debug", "str"},
                                                    {"dataloader_drop_last", "bool"},
                                                    {"eval_steps", "float"},
                                                    {"dataloader_num_workers", "int"},
                                                    {"dataloader_prefetch_factor", "int"},
                                                    {"past_index", "int"},
                                                    {"run_name", "str"},
                                                    {"disable_tqdm", "bool"},
                                                    {"remove_unused_columns", "bool"},
                                                    {"label_names", "str"},
                                                    {"load_best_model_at_end", "bool"},
                                                    {"metric_for_best_model", "str"},
                                                    {"greater_is_better", "bool"},
                                                    {"ignore_data_skip", "bool"},
                                                    {"fsdp", "str"},
                                                    {"fsdp_min_num_params", "int"},
                                                    {"fsdp_config", "str"},
                                                    {"fsdp_transformer_layer_cls_to_wrap", "str"},
                                                    {"accelerator_config", "str"},
                                                    {"deepspeed", "str"},
                                                    {"label_smoothing_factor", "float"},
                                                    {"optim", "str"},
                                                    {"optim_args", "str"},
                                                    {"adafactor", "bool"},
                                                    {"group_by_length", "bool"},
                                                    {"length_column_name", "str"},
                                                    {"report_to", "str"},
                                                    {"ddp_find_unused_parameters", "bool"},
                                                    {"ddp_bucket_cap_mb", "int"},
                                                    {"ddp_broadcast_buffers", "bool"},
                                                    {"dataloader_pin_memory", "bool"},
                                                    {"dataloader_persistent_workers", "bool"},
                                                    {"skip_memory_metrics", "bool"},
                                                    {"use_legacy_prediction_loop", "bool"},
                                                    {"push_to_hub", "bool"},
                                                    {"resume_from_checkpoint", "str"},
                                                    {"hub_model_id", "str"},
                                                    {"hub_strategy", "str"},
                                                    {"hub_token", "str"},
                                                    {"hub_private_repo", "bool"},
                                                    {"hub_always_push", "bool"},
                                                    {"gradient_checkpointing", "bool"},
                                                    {"gradient_checkpointing_kwargs", "str"},
                                                    {"include_inputs_for_metrics", "bool"},
                                                    {"eval_do_concat_batches", "bool"},
                                                    {"fp16_backend", "str"},
                                                    {"evaluation_strategy", "str"},
                                                    {"push_to_hub_model_id", "str"},
                                                    {"push_to_hub_organization", "str"},
                                                    {"push_to_hub_token", "str"},
                                                    {"_n_gpu", "int"},
                                                    {"mp_parameters", "str"},
                                                    {"auto_find_batch_size", "bool"},
                                                    {"full_determinism", "bool"},
                                                    {"torchdynamo", "str"},
                                                    {"ray_scope", "str"},
                                                    {"ddp_timeout", "int"},
                                                    {"torch_compile", "bool"},
                                                    {"torch_compile_backend", "str"},
                                                    {"torch_compile_mode", "str"},
                                                    {"dispatch_batches", "bool"},
                                                    {"split_batches", "bool"},
                                                    {"include_tokens_per_second", "bool"},
                                                    {"include_num_input_tokens_seen", "bool"},
                                                    {"neftune_noise_alpha", "float"},
                                                    {"optim_target_modules", "str"},
                                                    {"batch_eval_metrics", "bool"},
                                                    {"eval_on_start", "bool"},
                                                    {"use_liger_kernel", "bool"},
                                                    {"eval_use_gather_object", "bool"},
                                                    {"dataset_num_proc", "int"},
                                                    {"num_mini_batches", "int"},
                                                    {"total_episodes", "int"},
                                                    {"local_rollout_forward_batch_size", "int"},
                                                    {"num_sample_generations", "int"},
                                                    {"response_length", "int"},
                                                    {"stop_token", "str"},
                                                    {"stop_token_id", "int"},
                                                    {"temperature", "float"},
                                                    {"missing_eos_penalty", "float"},
                                                    {"sft_model_path", "str"},
                                                    {"world_size", "int"},
                                                    {"num_total_batches", "int"},
                                                    {"micro_batch_size", "int"},
                                                    {"local_batch_size", "int"},
                                                    {"batch_size", "int"},
                                                    {"local_mini_batch_size", "int"},
                                                    {"mini_batch_size", "int"},
                                                    {"exp_name", "str"},
                                                    {"reward_model_path", "str"},
                                                    {"num_ppo_epochs", "int"},
                                                    {"whiten_rewards", "bool"},
                                                    {"kl_coef", "float"},
                                                    {"cliprange", "float"},
                                                    {"vf_coef", "float"},
                                                    {"cliprange_value", "float"},
                                                    {"gamma", "float"},
                                                    {"lam", "float"}};

std::map<std::string, std::string> kinds(PPOv2Config& config) {
    std::map<std::string, std::string> found;
    for (auto const& knob : any_knobs(config)) {
        auto const kind = knob.type.starts_with("a whole number") ? "int"
                          : knob.type == "a number"               ? "float"
                          : knob.is_bool                          ? "bool"
                                                                  : "str";
        CHECK(found.emplace(knob.name, kind).second);  // a name has one field
    }
    return found;
}
}  // namespace

TEST_CASE("refused_fields: each of TRL's 158 fields either acts, with TRL's type, or is in the table, and never both") {
    PPOv2Config config;
    auto const acting = kinds(config);
    CHECK(trl_fields.size() == 158);
    std::set<std::string> refused;
    for (auto const& row : proximal::run::detail::refused_fields) {
        INFO(row.name);
        CHECK(refused.insert(std::string(row.name)).second);
        CHECK_FALSE(acting.contains(std::string(row.name)));
        CHECK(trl_fields.contains(std::string(row.name)));
        CHECK(find_foreign_flag(row.name) == nullptr);
        CHECK_FALSE(row.because.empty());
    }
    for (auto const& [name, kind] : trl_fields) {
        INFO(name);
        auto const ours = acting.find(name);
        CHECK((ours != acting.end()) != refused.contains(name));
        if (ours != acting.end()) CHECK(ours->second == kind);
    }
    for (auto const& row : proximal::run::detail::foreign_flags) {
        INFO(row.name);
        CHECK_FALSE(trl_fields.contains(std::string(row.name)));
    }
}

TEST_CASE("refused_fields: TRL's defaults") {
    std::map<std::string, std::string> const differ{{"max_grad_norm", "its trainer ignores it"},
                                                    {"logging_steps", "its trainer ignores it"},
                                                    {"output_dir", "TRL has none"},
                                                    {"sft_model_path", "the program makes its own"},
                                                    {"reward_model_path", "the program makes its own"},
                                                    {"report_to", "TRL's is whatever is installed"},
                                                    {"disable_tqdm", "TRL's is decided by the log level"}};
    std::map<std::string, std::string> const trl_defaults{{"output_dir", ""},
                                                          {"overwrite_output_dir", "False"},
                                                          {"do_train", "False"},
                                                          {"do_eval", "False"},
                                                          {"do_predict", "False"},
                                                          {"eval_strategy", "no"},
                                                          {"prediction_loss_only", "False"},
                                                          {"per_device_train_batch_size", "8"},
                                                          {"per_device_eval_batch_size", "8"},
                                                          {"per_gpu_train_batch_size", "None"},
                                                          {"per_gpu_eval_batch_size", "None"},
                                                          {"gradient_accumulation_steps", "1"},
                                                          {"eval_accumulation_steps", "None"},
                                                          {"eval_delay", "0"},
                                                          {"torch_empty_cache_steps", "None"},
                                                          {"learning_rate", "5e-05"},
                                                          {"weight_decay", "0.0"},
                                                          {"adam_beta1", "0.9"},
                                                          {"adam_beta2", "0.999"},
                                                          {"adam_epsilon", "1e-08"},
                                                          {"max_grad_norm", "1.0"},
                                                          {"num_train_epochs", "3.0"},
                                                          {"max_steps", "-1"},
                                                          {"lr_scheduler_type", "linear"},
                                                          {"lr_scheduler_kwargs", "{}"},
                                                          {"warmup_ratio", "0.0"},
                                                          {"warmup_steps", "0"},
                                                          {"log_level", "passive"},
                                                          {"log_level_replica", "warning"},
                                                          {"log_on_each_node", "True"},
                                                          {"logging_dir", "None"},
                                                          {"logging_strategy", "steps"},
                                                          {"logging_first_step", "False"},
                                                          {"logging_steps", "500"},
                                                          {"logging_nan_inf_filter", "True"},
                                                          {"save_strategy", "steps"},
                                                          {"save_steps", "500"},
                                                          {"save_total_limit", "None"},
                                                          {"save_safetensors", "True"},
                                                          {"save_on_each_node", "False"},
                                                          {"save_only_model", "False"},
                                                          {"restore_callback_states_from_checkpoint", "False"},
                                                          {"no_cuda", "False"},
                                                          {"use_cpu", "False"},
                                                          {"use_mps_device", "False"},
                                                          {"seed", "42"},
                                                          {"data_seed", "None"},
                                                          {"jit_mode_eval", "False"},
                                                          {"use_ipex", "False"},
                                                          {"bf16", "False"},
                                                          {"fp16", "False"},
                                                          {"fp16_opt_level", "O1"},
                                                          {"half_precision_backend", "auto"},
                                                          {"bf16_full_eval", "False"},
                                                          {"fp16_full_eval", "False"},
                                                          {"tf32", "None"},
                                                          {"local_rank", "-1"},
                                                          {"ddp_backend", "None"},
                                                          {"tpu_num_cores", "None"},
                                                          {"tpu_metrics_debug", "False"},
                                                          {"debug", ""},
                                                          {"dataloader_drop_last", "False"},
                                                          {"eval_steps", "None"},
                                                          {"dataloader_num_workers", "0"},
                                                          {"dataloader_prefetch_factor", "None"},
                                                          {"past_index", "-1"},
                                                          {"run_name", "None"},
                                                          {"disable_tqdm", "None"},
                                                          {"remove_unused_columns", "True"},
                                                          {"label_names", "None"},
                                                          {"load_best_model_at_end", "False"},
                                                          {"metric_for_best_model", "None"},
                                                          {"greater_is_better", "None"},
                                                          {"ignore_data_skip", "False"},
                                                          {"fsdp", ""},
                                                          {"fsdp_min_num_params", "0"},
                                                          {"fsdp_config", "None"},
                                                          {"fsdp_transformer_layer_cls_to_wrap", "None"},
                                                          {"accelerator_config", "None"},
                                                          {"deepspeed", "None"},
                                                          {"label_smoothing_factor", "0.0"},
                                                          {"optim", "adamw_torch"},
                                                          {"optim_args", "None"},
                                                          {"adafactor", "False"},
                                                          {"group_by_length", "False"},
                                                          {"length_column_name", "length"},
                                                          {"report_to", "None"},
                                                          {"ddp_find_unused_parameters", "None"},
                                                          {"ddp_bucket_cap_mb", "None"},
                                                          {"ddp_broadcast_buffers", "None"},
                                                          {"dataloader_pin_memory", "True"},
                                                          {"dataloader_persistent_workers", "False"},
                                                          {"skip_memory_metrics", "True"},
                                                          {"use_legacy_prediction_loop", "False"},
                                                          {"push_to_hub", "False"},
                                                          {"resume_from_checkpoint", "None"},
                                                          {"hub_model_id", "None"},
                                                          {"hub_strategy", "every_save"},
                                                          {"hub_token", "None"},
                                                          {"hub_private_repo", "False"},
                                                          {"hub_always_push", "False"},
                                                          {"gradient_checkpointing", "False"},
                                                          {"gradient_checkpointing_kwargs", "None"},
                                                          {"include_inputs_for_metrics", "False"},
                                                          {"eval_do_concat_batches", "True"},
                                                          {"fp16_backend", "auto"},
                                                          {"evaluation_strategy", "None"},
                                                          {"push_to_hub_model_id", "None"},
                                                          {"push_to_hub_organization", "None"},
                                                          {"push_to_hub_token", "None"},
                                                          {"_n_gpu", "-1"},
                                                          {"mp_parameters", ""},
                                                          {"auto_find_batch_size", "False"},
                                                          {"full_determinism", "False"},
                                                          {"torchdynamo", "None"},
                                                          {"ray_scope", "last"},
                                                          {"ddp_timeout", "1800"},
                                                          {"torch_compile", "False"},
                                                          {"torch_compile_backend", "None"},
                                                          {"torch_compile_mode", "None"},
                                                          {"dispatch_batches", "None"},
                                                          {"split_batches", "None"},
                                                          {"include_tokens_per_second", "False"},
                                                          {"include_num_input_tokens_seen", "False"},
                                                          {"neftune_noise_alpha", "None"},
                                                          {"optim_target_modules", "None"},
                                                          {"batch_eval_metrics", "False"},
                                                          {"eval_on_start", "False"},
                                                          {"use_liger_kernel", "False"},
                                                          {"eval_use_gather_object", "False"},
                                                          {"dataset_num_proc", "None"},
                                                          {"num_mini_batches", "1"},
                                                          {"total_episodes", "None"},
                                                          {"local_rollout_forward_batch_size", "64"},
                                                          {"num_sample_generations", "10"},
                                                          {"response_length", "53"},
                                                          {"stop_token", "None"},
                                                          {"stop_token_id", "None"},
                                                          {"temperature", "0.7"},
                                                          {"missing_eos_penalty", "None"},
                                                          {"sft_model_path", "EleutherAI/pythia-160m"},
                                                          {"world_size", "None"},
                                                          {"num_total_batches", "None"},
                                                          {"micro_batch_size", "None"},
                                                          {"local_batch_size", "None"},
                                                          {"batch_size", "None"},
                                                          {"local_mini_batch_size", "None"},
                                                          {"mini_batch_size", "None"},
                                                          {"exp_name", "ppov2_config"},
                                                          {"reward_model_path", "EleutherAI/pythia-160m"},
                                                          {"num_ppo_epochs", "4"},
                                                          {"whiten_rewards", "False"},
                                                          {"kl_coef", "0.05"},
                                                          {"cliprange", "0.2"},
                                                          {"vf_coef", "0.1"},
                                                          {"cliprange_value", "0.2"},
                                                          {"gamma", "1.0"},
                                                          {"lam", "0.95"}};
    PPOv2Config config;
    for (auto const& knob : any_knobs(config)) {
        auto const row = trl_defaults.find(knob.name);
        if (row == trl_defaults.end() || differ.contains(knob.name)) continue;
        INFO(knob.name << ' ' << knob.default_text << ' ' << row->second);
        CHECK(proximal::run::detail::same_value(knob.default_text, row->second));
    }
    for (auto const& row : proximal::run::detail::refused_fields) {
        INFO(row.name);
        CHECK(asks_for_nothing(row, trl_defaults.at(std::string(row.name))));
    }
}

TEST_CASE("refused_fields: TRL's default is accepted and says nothing, any other value is refused with the reason") {
    PPOv2Config config;
    auto const parse = [&](std::vector<std::string> const& arguments) {
        return parse_flags(any_knobs(config), "test", arguments);
    };
    auto const given = parse({"--hub_token", "None", "--past_index=-1.0", "--push_to_hub", "false", "--seed=7",
                              "--logging_dir", "models/x/runs/Nov26_host", "--dataloader_pin_memory"});
    REQUIRE(given.has_value());
    CHECK((given->size() == 1 && given->contains("seed")));
    CHECK_THROWS_WITH(parse({"--local_rank", "1"}),
                      "--local_rank is not supported: the launcher's variable LOCAL_RANK says it");
    CHECK_THROWS_WITH(parse({"--accelerator_config", R"({"split_batches": true})"}),
                      Catch::Contains("every process takes --per_device_train_batch_size rows at a time"));
    CHECK_NOTHROW(parse({"--ddp_find_unused_parameters=true", "--ddp_broadcast_buffers=false", "--split_batches=False",
                         "--fsdp_transformer_layer_cls_to_wrap=GPTNeoXLayer"}));
    CHECK_THROWS_WITH(parse({"--push-to-hub"}), Catch::Contains("--push_to_hub is not supported: nothing is uploaded"));
    CHECK_THROWS_WITH(parse({"--no_cuda"}), Catch::Contains("it is called --use_cpu"));
    CHECK_THROWS_WITH(parse({"--mp_parameter", "x"}),
                      Catch::Contains("did you mean --mp_parameters? It is not supported"));
    CHECK_THROWS_WITH(parse({"--logging_dir", "elsewhere"}), Catch::Contains("OUTPUT_DIR/runs"));
    CHECK_THROWS_WITH(parse({"--past_index"}), Catch::Contains("--past_index has no value"));
}

TEST_CASE("refused_fields: every flag that a reason names is one") {
    PPOv2Config config;
    std::set<std::string> ours;
    for (auto const& knob : any_knobs(config)) ours.insert(knob.name);
    for (auto const& row : proximal::run::detail::refused_fields)
        for (std::size_t at = row.because.find("--"); at != std::string_view::npos;
             at = row.because.find("--", at + 2)) {
            auto const end = std::min(row.because.find_first_not_of("abcdefghijklmnopqrstuvwxyz_0123456789", at + 2),
                                      row.because.size());
            INFO(row.name);
            CHECK(ours.contains(std::string(row.because.substr(at + 2, end - at - 2))));
        }
}
