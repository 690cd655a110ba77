// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

namespace proximal::run {

/// A field of TRL's PPOv2Config (v0.11.4, with transformers 4.45.2) that would have no effect here: TRL's default,
/// which is accepted as it asks for nothing, and why any other value is refused.
struct refused_field {
    std::string_view name;
    std::string_view trl_default;  // as a flag's text: "None", "false", "1800"
    std::string_view because;      // with what to use instead
    std::string_view also = {};    // other texts that ask for nothing, with "|" between them; "*" is any text
};

namespace detail {
inline constexpr std::string_view no_uploads = "nothing is uploaded; `hf upload REPO OUTPUT_DIR` does";
inline constexpr std::string_view no_compiler = "there is no Python to compile: kernels are compiled with the program";
inline constexpr std::string_view in_memory = "prompts are in memory, and no workers load them";
inline constexpr std::string_view no_tpu = "the CPU and CUDA are supported";
inline constexpr std::string_view own_precision = "a run has one precision: give --bf16 or --fp16";
inline constexpr std::string_view own_evaluation = "an evaluation answers held-out prompts: give --eval_strategy steps";
inline constexpr std::string_view layer_by_layer = "each layer is gathered by itself: give --fsdp full_shard";
inline constexpr std::string_view own_batches =
    "every process takes --per_device_train_batch_size rows at a time from its share of the data";
inline constexpr std::string_view one_file_system = "one process writes logs and checkpoints, to OUTPUT_DIR";

inline constexpr std::array refused_fields{
    refused_field{"do_train", "false", "the program always trains", "true"},
    refused_field{"do_eval", "false", own_evaluation},
    refused_field{"do_predict", "false",
                  "the answers of a run are in its sample tables: give --num_sample_generations"},
    refused_field{"prediction_loss_only", "false", own_evaluation},
    refused_field{"per_gpu_train_batch_size", "None", "it is called --per_device_train_batch_size"},
    refused_field{"per_gpu_eval_batch_size", "None", "it is called --per_device_eval_batch_size"},
    refused_field{"eval_accumulation_steps", "None", "an evaluation keeps no outputs on the device"},
    refused_field{"log_level_replica", "warning", "the first process alone speaks: give --log_level"},
    refused_field{"log_on_each_node", "true", one_file_system},
    refused_field{"logging_dir", "None", "event files lie in OUTPUT_DIR/runs: give --output_dir", "*runs/*"},
    refused_field{"logging_nan_inf_filter", "true", "a NaN ends the run, with its first source named"},
    refused_field{"save_safetensors", "true", "safetensors is the only format written"},
    refused_field{"save_on_each_node", "false", one_file_system},
    refused_field{"restore_callback_states_from_checkpoint", "false",
                  "listeners that have a state are always saved and resumed"},
    refused_field{"no_cuda", "false", "it is called --use_cpu"},
    refused_field{"use_mps_device", "false", no_tpu},
    refused_field{"jit_mode_eval", "false", no_compiler},
    refused_field{"use_ipex", "false", "the CPU's kernels are LibTorch's and this library's own"},
    refused_field{"fp16_opt_level", "O1", "it is Apex's: give --fp16, or leave it out"},
    refused_field{"half_precision_backend", "auto", own_precision},
    refused_field{"bf16_full_eval", "false", own_precision},
    refused_field{"fp16_full_eval", "false", own_precision},
    refused_field{"local_rank", "-1", "the launcher's variable LOCAL_RANK says it", "0"},
    refused_field{"tpu_num_cores", "None", no_tpu},
    refused_field{"tpu_metrics_debug", "false", no_tpu},
    refused_field{"debug", "", "a NaN ends the run, with its first source named, whatever is asked for"},
    refused_field{"dataloader_drop_last", "false", "the last short batch of a pass is always left out, as by TRL",
                  "true"},
    refused_field{"dataloader_num_workers", "0", in_memory},
    refused_field{"dataloader_prefetch_factor", "None", in_memory},
    refused_field{"past_index", "-1", "models keep no states from one batch to the next"},
    refused_field{"remove_unused_columns", "true",
                  "a line's other fields are kept, and reach a reward program as they are"},
    refused_field{"label_names", "None", "prompts have no labels: a score is what responses are judged by"},
    refused_field{"fsdp_min_num_params", "0", layer_by_layer},
    refused_field{"fsdp_transformer_layer_cls_to_wrap", "None", layer_by_layer, "GPTNeoXLayer"},
    refused_field{"accelerator_config", "None", own_batches,
                  R"({"dispatch_batches":null,"even_batches":true,"gradient_accumulation_kwargs":null,)"
                  R"("non_blocking":false,"split_batches":false,"use_configured_state":false,)"
                  R"("use_seedable_sampler":true})"},
    refused_field{"label_smoothing_factor", "0.0", "there are no labels: sampled tokens are what is learnt from"},
    refused_field{"optim_args", "None", "AdamW's numbers are --adam_beta1, --adam_beta2 and --adam_epsilon"},
    refused_field{"adafactor", "false", "give --optim adafactor"},
    refused_field{"length_column_name", "length", "--group_by_length counts the tokens itself"},
    refused_field{"ddp_find_unused_parameters", "None", "every parameter takes part, also one without a gradient",
                  "true|false"},
    refused_field{"ddp_broadcast_buffers", "None", "models have no buffers", "true|false"},
    refused_field{"dataloader_pin_memory", "true", in_memory},
    refused_field{"dataloader_persistent_workers", "false", in_memory},
    refused_field{"skip_memory_metrics", "true", "memory is not measured while a run goes on"},
    refused_field{"use_legacy_prediction_loop", "false", own_evaluation},
    refused_field{"push_to_hub", "false", no_uploads},
    refused_field{"hub_model_id", "None", no_uploads},
    refused_field{"hub_strategy", "every_save", no_uploads},
    refused_field{"hub_token", "None", no_uploads, "<HUB_TOKEN>"},
    refused_field{"hub_private_repo", "false", no_uploads},
    refused_field{"hub_always_push", "false", no_uploads},
    refused_field{"gradient_checkpointing_kwargs", "None", "--gradient_checkpointing has one way of doing it"},
    refused_field{"include_inputs_for_metrics", "false", own_evaluation},
    refused_field{"eval_do_concat_batches", "true", own_evaluation},
    refused_field{"fp16_backend", "auto", own_precision},
    refused_field{"evaluation_strategy", "None", "it is called --eval_strategy"},
    refused_field{"push_to_hub_model_id", "None", no_uploads},
    refused_field{"push_to_hub_organization", "None", no_uploads},
    refused_field{"push_to_hub_token", "None", no_uploads, "<PUSH_TO_HUB_TOKEN>"},
    refused_field{"_n_gpu", "-1", "a process has one device; the launcher says how many processes there are", "0|1"},
    refused_field{"mp_parameters", "", "they are SageMaker's: give --sharding"},
    refused_field{"torchdynamo", "None", no_compiler},
    refused_field{"ray_scope", "last", "there is no search over options: a run has one set of them"},
    refused_field{"torch_compile", "false", no_compiler},
    refused_field{"torch_compile_backend", "None", no_compiler},
    refused_field{"torch_compile_mode", "None", no_compiler},
    refused_field{"dispatch_batches", "None", "every process reads the data itself", "false"},
    refused_field{"split_batches", "None", own_batches, "false"},
    refused_field{"include_num_input_tokens_seen", "false",
                  "metrics.jsonl counts episodes; give "
                  "--include_tokens_per_second for tokens"},
    refused_field{"neftune_noise_alpha", "None",
                  "noise in the embeddings would part the policy that samples from the one that learns"},
    refused_field{"optim_target_modules", "None", "it is GaLore's: --optim has no such optimizer"},
    refused_field{"batch_eval_metrics", "false", own_evaluation},
    refused_field{"use_liger_kernel", "false", "kernels are this library's own, fused as they are"},
    refused_field{"eval_use_gather_object", "false", "what processes tell each other of an evaluation are numbers"},
};

/// Whether two texts mean one value: none, a bool or a number in another spelling.
inline bool same_value(std::string_view a, std::string_view b) {
    auto const plain = [](std::string_view text) -> std::string_view {
        if (text.empty() || text == "None" || text == "none" || text == "[]" || text == "{}") return "none";
        if (text == "True" || text == "true") return "true";
        if (text == "False" || text == "false") return "false";
        return text;
    };
    auto const number = [](std::string_view text, double& value) {
        auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        return error == std::errc{} && end == text.data() + text.size();
    };
    double x = 0.0, y = 0.0;
    return plain(a) == plain(b) || (number(a, x) && number(b, y) && x == y);
}

/// Whether a text is a pattern's, in which "*" is any text.
constexpr bool matches(std::string_view text, std::string_view pattern) {
    if (pattern.empty()) return text.empty();
    if (pattern.front() != '*')
        return !text.empty() && text.front() == pattern.front() && matches(text.substr(1), pattern.substr(1));
    return matches(text, pattern.substr(1)) || (!text.empty() && matches(text.substr(1), pattern));
}
}  // namespace detail

/// The row of a field; none where it acts or is not TRL's.
constexpr refused_field const* find_refused_field(std::string_view name) {
    for (auto const& row : detail::refused_fields)
        if (row.name == name) return &row;
    return nullptr;
}

/// Whether a value asks for nothing: it is TRL's default, or what TRL itself writes in its place.
inline bool asks_for_nothing(refused_field const& field, std::string_view text) {
    if (detail::same_value(text, field.trl_default)) return true;
    for (std::string_view rest = field.also; !rest.empty();) {
        auto const bar = std::min(rest.find('|'), rest.size());
        if (auto const one = rest.substr(0, bar); detail::matches(text, one) || detail::same_value(text, one))
            return true;
        rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
    return false;
}

}  // namespace proximal::run
