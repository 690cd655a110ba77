// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

namespace proximal::run::detail {

/// A key of DeepSpeed's or FSDP's configuration that is not mapped: why it is refused, or nothing where it changes no
/// number (it tunes communication, or prints), and a value that asks for nothing besides the usual ones.
struct sharding_key {
    std::string_view name;
    std::string_view because = {};
    std::string_view nothing = {};
};

inline constexpr std::string_view stays_on_device =
    "weights that learn stay on the device: split more by --sharding, or give --offload_optimizer or "
    "--gradient_checkpointing true";
inline constexpr std::string_view own_reports = "curves go where --report_to says";
inline constexpr std::string_view one_level = "weights are split over all processes, and not within a host";
inline constexpr std::string_view not_quantised = "weights and gradients travel as they are";
inline constexpr std::string_view own_data_order = "data come in the order of --data_seed";
inline constexpr std::string_view all_of_a_model = "a model is trained as it is";
inline constexpr std::string_view own_layers = "each layer is gathered by itself";
inline constexpr std::string_view of_tpus = "it is of TPUs: the CPU and CUDA are supported";

/// DeepSpeed's. Source: deepspeed.ai/docs/config-json. The first of them are compared with flags, and stand here for
/// who misspells them.
inline constexpr std::array deepspeed_keys{
    sharding_key{"zero_optimization"},
    sharding_key{"bf16"},
    sharding_key{"fp16"},
    sharding_key{"gradient_clipping"},
    sharding_key{"train_batch_size"},
    sharding_key{"train_micro_batch_size_per_gpu"},
    sharding_key{"gradient_accumulation_steps"},
    sharding_key{"optimizer"},
    sharding_key{"steps_per_print"},
    sharding_key{"wall_clock_breakdown"},
    sharding_key{"memory_breakdown"},
    sharding_key{"dump_state"},
    sharding_key{"comms_logger"},
    sharding_key{"checkpoint"},
    sharding_key{"prescale_gradients"},
    sharding_key{"gradient_predivide_factor"},
    sharding_key{"disable_allgather"},
    sharding_key{"zero_allow_untested_optimizer"},
    sharding_key{"zero_force_ds_cpu_optimizer"},
    sharding_key{"scheduler", "the schedule is --lr_scheduler_type, with --warmup_steps"},
    sharding_key{"amp", "it is Apex's: give --fp16 true"},
    sharding_key{"communication_data_type", "gradients travel in float32", "fp32"},
    sharding_key{"data_types", "gradients are summed in float32", "fp32"},
    sharding_key{"sparse_gradients", "gradients are dense"},
    sharding_key{"aio", stays_on_device},
    sharding_key{"pipeline", "layers are split by --sharding zero3, and not into a pipeline"},
    sharding_key{"tensor_parallel", "weights are split by --sharding zero3, and products of matrices are not"},
    sharding_key{"activation_checkpointing", "give --gradient_checkpointing true"},
    sharding_key{"tensorboard", own_reports},
    sharding_key{"wandb", own_reports},
    sharding_key{"csv_monitor", own_reports},
    sharding_key{"comet", own_reports},
    sharding_key{"flops_profiler", "the only profile is --include_tokens_per_second"},
    sharding_key{"autotuning", "there is no search over options"},
    sharding_key{"elasticity", "batches are as the flags say, and `torchrun --max-restarts` starts a run anew"},
    sharding_key{"sparse_attention", "attention is dense"},
    sharding_key{"data_efficiency", own_data_order},
    sharding_key{"curriculum_learning", own_data_order},
    sharding_key{"compression_training", all_of_a_model},
    sharding_key{"quantize_training", all_of_a_model},
    sharding_key{"progressive_layer_drop", all_of_a_model},
    sharding_key{"eigenvalue", all_of_a_model},
    sharding_key{"hybrid_engine", "models generate in the program itself"},
    sharding_key{"nebula", "checkpoints are written to OUTPUT_DIR"},
    sharding_key{"compile", "kernels are compiled with the program"},
    sharding_key{"dataloader_drop_last", "the last short batch of a pass is always left out", "true"},
};

/// Those of its zero_optimization, beside what begins with stage3_.
inline constexpr std::array zero_keys{
    sharding_key{"stage"},
    sharding_key{"allgather_partitions"},
    sharding_key{"allgather_bucket_size"},
    sharding_key{"overlap_comm"},
    sharding_key{"reduce_scatter"},
    sharding_key{"reduce_bucket_size"},
    sharding_key{"use_multi_rank_bucket_allreduce"},
    sharding_key{"contiguous_gradients"},
    sharding_key{"round_robin_gradients"},
    sharding_key{"grad_hooks"},
    sharding_key{"load_from_fp32_weights"},
    sharding_key{"elastic_checkpoint"},
    sharding_key{"ignore_unused_parameters"},
    sharding_key{"legacy_stage1"},
    sharding_key{"memory_efficient_linear"},
    sharding_key{"sub_group_size"},
    sharding_key{"pipeline_loading_checkpoint"},
    sharding_key{"override_module_apply"},
    sharding_key{"log_trace_cache_warnings"},
    sharding_key{"offload_param", stays_on_device},
    sharding_key{"offload_optimizer", stays_on_device},
    sharding_key{"cpu_offload", stays_on_device},
    sharding_key{"cpu_offload_params", stays_on_device},
    sharding_key{"cpu_offload_use_pin_memory", stays_on_device},
    sharding_key{"zero_hpz_partition_size", one_level, "1"},
    sharding_key{"mics_shard_size", one_level, "-1"},
    sharding_key{"mics_hierarchical_params_gather", one_level},
    sharding_key{"zero_quantized_weights", not_quantised},
    sharding_key{"zero_quantized_nontrainable_weights", not_quantised},
    sharding_key{"zero_quantized_gradients", not_quantised},
    sharding_key{"zeropp_loco_param", not_quantised},
};

/// Those of its fp16 and bf16. The loss is scaled as torch.amp.GradScaler does.
inline constexpr std::array half_keys{
    sharding_key{"enabled"},
    sharding_key{"loss_scale", "the scale of the loss is found while the run goes on", "0"},
    sharding_key{"fp16_master_weights_and_grads", "weights and gradients stay float32"},
    sharding_key{"bf16_master_weights_and_grads", "weights and gradients stay float32"},
    sharding_key{"auto_cast"},
    sharding_key{"loss_scale_window"},
    sharding_key{"initial_scale_power"},
    sharding_key{"hysteresis"},
    sharding_key{"consecutive_hysteresis"},
    sharding_key{"min_loss_scale"},
    sharding_key{"immediate_grad_update"},
    sharding_key{"check_grad_overflow"},
};

/// FSDP's, which may have "fsdp_" in front. Source: transformers 4.45.2, TrainingArguments; accelerate's
/// FullyShardedDataParallelPlugin.
inline constexpr std::array fsdp_keys{
    sharding_key{"activation_checkpointing"},
    sharding_key{"backward_prefetch"},
    sharding_key{"backward_prefetch_policy"},
    sharding_key{"forward_prefetch"},
    sharding_key{"limit_all_gathers"},
    sharding_key{"use_orig_params"},
    sharding_key{"sync_module_states"},
    sharding_key{"cpu_ram_efficient_loading"},
    sharding_key{"state_dict_type"},
    sharding_key{"min_num_params", own_layers, "0"},
    sharding_key{"transformer_layer_cls_to_wrap", own_layers, "GPTNeoXLayer"},
    sharding_key{"auto_wrap_policy", own_layers, "TRANSFORMER_BASED_WRAP"},
    sharding_key{"sharding_strategy", "give it in --fsdp: full_shard, shard_grad_op or no_shard"},
    sharding_key{"offload_params", stays_on_device},
    sharding_key{"xla", of_tpus},
    sharding_key{"xla_fsdp_settings", of_tpus},
    sharding_key{"xla_fsdp_v2", of_tpus},
    sharding_key{"xla_fsdp_grad_ckpt", of_tpus},
};

}  // namespace proximal::run::detail
