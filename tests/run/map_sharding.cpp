// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <fstream>
#include <proximal/run/map_sharding.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

namespace {
/// What a configuration comes to: the word of --sharding and the note.
struct outcome {
    std::string sharding, note;
};

template <class Change>
outcome mapped(Change const& change, given_flags const& given = {}, std::int64_t world_size = 2) {
    PPOv2Config config;
    change(config);
    auto const note = map_sharding(config, given, world_size);
    return {config.sharding, note};
}
template <class Change>
std::string refusal(Change const& change, given_flags const& given = {}) {
    try {
        mapped(change, given);
    } catch (std::exception const& error) {
        return error.what();
    }
    return "";
}
auto deepspeed(std::string const& json) {
    return [json](PPOv2Config& config) { config.deepspeed = json; };
}
auto fsdp(std::string const& words, std::optional<std::string> const& more = {}) {
    return [=](PPOv2Config& config) { config.fsdp = words, config.fsdp_config = more; };
}
}  // namespace

TEST_CASE("map_sharding: DeepSpeed's stages") {
    for (std::size_t stage = 0; stage < 4; ++stage) {
        auto const [sharding, note] =
            mapped(deepspeed("{\"zero_optimization\": {\"stage\": " + std::to_string(stage) + "}}"));
        CHECK(sharding == sharding_stages[stage]);
        CHECK(note == "--deepspeed: --sharding " + std::string(sharding_stages[stage]));
    }
    CHECK(mapped(deepspeed("{\"steps_per_print\": 10}")).sharding == "none");  // DeepSpeed's default
    CHECK(mapped(deepspeed("{\"zero_optimization\": {\"stage\": \"auto\"}}")).sharding == "none");
    CHECK(mapped([](PPOv2Config&) {}).note.empty());
    CHECK(mapped(deepspeed("")).note.empty());
}

TEST_CASE("map_sharding: a file as transformers' pages have it, all \"auto\"") {
    support::temporary_folder const folder;
    auto const path = (folder.path / "ds.json").string();
    std::ofstream(path) << R"({
    "fp16": {"enabled": "auto", "loss_scale": 0, "loss_scale_window": 1000, "initial_scale_power": 16,
             "hysteresis": 2, "min_loss_scale": 1},
    "bf16": {"enabled": true},
    "optimizer": {"type": "AdamW", "params": {"lr": "auto", "betas": "auto", "eps": "auto", "weight_decay": "auto"}},
    "scheduler": "auto",
    "zero_optimization": {
        "stage": 2,
        "offload_optimizer": {"device": "none", "pin_memory": true},
        "allgather_partitions": true,
        "allgather_bucket_size": 2e8,
        "overlap_comm": true,
        "reduce_scatter": true,
        "reduce_bucket_size": "auto",
        "contiguous_gradients": true
    },
    "wandb": {"enabled": false, "project": "x"},
    "gradient_accumulation_steps": 4,
    "gradient_clipping": 1.0,
    "steps_per_print": 2000,
    "train_batch_size": 64,
    "train_micro_batch_size_per_gpu": 8,
    "wall_clock_breakdown": false
})";
    auto const agrees = [&](PPOv2Config& config) {
        config.deepspeed = path, config.bf16 = true, config.gradient_accumulation_steps = 4, config.max_grad_norm = 1.0;
    };
    auto const [sharding, note] = mapped(agrees);
    CHECK(sharding == "zero2");
    CHECK(note == "--deepspeed " + path +
                      ": --sharding zero2; taken and not read, as no number depends on them: "
                      "zero_optimization.allgather_partitions, zero_optimization.allgather_bucket_size, "
                      "zero_optimization.overlap_comm, zero_optimization.reduce_scatter, "
                      "zero_optimization.reduce_bucket_size, zero_optimization.contiguous_gradients, steps_per_print, "
                      "wall_clock_breakdown");
    auto const with = [&](auto const& change) {
        return refusal([&](PPOv2Config& config) { agrees(config), change(config); });
    };
    CHECK(with([](PPOv2Config& c) { c.bf16 = false; }) ==
          "ds.json:4: bf16.enabled is true and --bf16 is false: give --bf16 true, or write \"auto\"");
    CHECK(with([](PPOv2Config& c) { c.gradient_accumulation_steps = 2; }) ==
          "ds.json:18: gradient_accumulation_steps is 4 and --gradient_accumulation_steps is 2: give "
          "--gradient_accumulation_steps 4, or write \"auto\"");
    CHECK(with([](PPOv2Config& c) { c.max_grad_norm.reset(); }) ==
          "ds.json:19: gradient_clipping is 1.0 and --max_grad_norm is none: give --max_grad_norm 1.0, or write "
          "\"auto\"");
    CHECK(with([](PPOv2Config& c) { c.per_device_train_batch_size = 16; })
              .starts_with("ds.json:21: train_batch_size is 64, and --per_device_train_batch_size x "
                           "--gradient_accumulation_steps x processes is 16 x 4 x 2 = 128: change these"));
    CHECK(with([](PPOv2Config& c) { c.optim = "sgd"; }).starts_with("ds.json:5: optimizer is not read: give --optim"));
}

TEST_CASE("map_sharding: a number of DeepSpeed's that is a flag's is the flag's, or refused") {
    CHECK(refusal(deepspeed(R"({"train_micro_batch_size_per_gpu": 4})")) ==
          "--deepspeed:1: train_micro_batch_size_per_gpu is 4 and --per_device_train_batch_size is 8: give "
          "--per_device_train_batch_size 4, or write \"auto\"");
    CHECK(refusal(deepspeed(R"({"train_micro_batch_size_per_gpu": 8, "train_batch_size": 16})")).empty());
    CHECK(refusal(deepspeed(R"({"train_batch_size": 8})")).find("8 x 1 x 2 = 16") != std::string::npos);
    CHECK(refusal(deepspeed(R"({"gradient_clipping": 0})")).empty());
    CHECK(refusal(deepspeed(R"({"gradient_clipping": "auto"})")).empty());
    CHECK(refusal(deepspeed(R"({"fp16": {"enabled": true}})")).starts_with("--deepspeed:1: fp16.enabled is true and "));
    CHECK(refusal(deepspeed(R"({"fp16": {"enabled": false, "loss_scale": 128}, "bf16": "auto"})")) ==
          "--deepspeed:1: fp16.loss_scale is not supported: the scale of the loss is found while the run goes on");
    CHECK(refusal([](PPOv2Config& c) {
              c.fp16 = true, c.deepspeed = R"({"fp16": {"enabled": false}})";
          }).find("give --fp16 false") != std::string::npos);
    CHECK(mapped([](PPOv2Config& c) {
              c.fp16 = true, c.deepspeed = R"({"fp16": {"enabled": true, "hysteresis": 2}})";
          }).note == "--deepspeed: --sharding none; taken and not read, as no number depends on them: fp16.hysteresis");
    CHECK(mapped(deepspeed(R"({"fp16": {"enabled": false, "hysteresis": 2}})")).note == "--deepspeed: --sharding none");
}

TEST_CASE("map_sharding: what DeepSpeed has and this library has not is refused by name, with line and reason") {
    auto const refused = [](std::string const& json, std::string const& sentence) {
        INFO(json);
        auto const said = refusal(deepspeed(json));
        CHECK(said.starts_with("--deepspeed:1: " + sentence));
        CHECK(said.find('\n') == std::string::npos);
    };
    auto const of_zero = [](std::string const& more) { return R"({"zero_optimization": {"stage": 3, )" + more + "}}"; };
    refused(of_zero(R"("offload_optimizer": {"device": "cpu", "pin_memory": true})"),
            "zero_optimization.offload_optimizer keeps the optimizer's state in the host's memory: give "
            "--offload_optimizer true, too");
    refused(of_zero(R"("offload_optimizer": {"device": "nvme"})"),
            "zero_optimization.offload_optimizer is not supported");
    CHECK(mapped([&](auto& c) {
              c.offload_optimizer = true, c.deepspeed = of_zero(R"("offload_optimizer": {"device": "cpu"})");
          }).sharding == "zero3");
    refused(of_zero(R"("offload_param": {"device": "nvme", "nvme_path": "/x"})"),
            "zero_optimization.offload_param is not supported");
    refused(of_zero(R"("zero_hpz_partition_size": 8)"), "zero_optimization.zero_hpz_partition_size is not supported");
    refused(of_zero(R"("zero_quantized_weights": true)"), "zero_optimization.zero_quantized_weights is not supported");
    refused(of_zero(R"("overlap_com": true)"),
            "zero_optimization.overlap_com is a key that is not known: did you mean overlap_comm?");
    refused(R"({"zero_optimization": {"stge": 3}})",
            "zero_optimization.stge is a key that is not known: did you mean stage?");
    refused(R"({"zero_optimization": {"stage": 4}})", "zero_optimization.stage is 4, and must be 0, 1, 2 or 3");
    refused(R"({"zero_optimization": {"stage": "2"}})", "zero_optimization.stage is 2, and must be");
    refused(R"({"zero_optimization": true})", "zero_optimization must be a section");
    refused(R"({"bf16": true})", "bf16 must be a section");
    refused(R"({"aio": {"block_size": 1048576}})", "aio is not supported: weights that learn stay on the device");
    refused(R"({"pipeline": {"stages": 2}})", "pipeline is not supported: layers are split by --sharding zero3");
    refused(R"({"tensorboard": {"enabled": true}})", "tensorboard is not supported: curves go where --report_to says");
    refused(R"({"scheduler": {"type": "WarmupLR"}})", "scheduler is not supported: the schedule is");
    refused(R"({"optimizer": {"type": "AdamW", "params": {"lr": 3e-5}}})", "optimizer is not read: give --optim");
    refused(R"({"optimizer": {"type": "Lamb"}})", "optimizer is not read");
    refused(R"({"communication_data_type": "fp16"})", "communication_data_type is not supported");
    refused(R"({"activation_checkpointing": {"partition_activations": true}})",
            "activation_checkpointing is not supported: give --gradient_checkpointing true");
    refused(R"({"no_key_of_it": 1})", "no_key_of_it is a key that is not known: remove it");
    refused(R"({"aio": {}, "aio": {}})", "aio stands twice: keep one of them");
    for (auto const* const nothing :
         {R"({"aio": null, "tensorboard": {"enabled": false}, "communication_data_type": "fp32"})",
          R"({"zero_optimization": {"offload_param": {"device": "none"}, "zero_hpz_partition_size": 1}})",
          R"({"activation_checkpointing": {"partition_activations": false, "cpu_checkpointing": false}})",
          R"({"optimizer": {"type": "Adam", "params": {}}, "scheduler": {}})",
          R"({"zero_optimization": {"stage3_max_live_parameters": 1e9, "mics_shard_size": -1}})"})
        CHECK(refusal(deepspeed(nothing)).empty());
}

TEST_CASE("map_sharding: a file that cannot be read is one sentence, with its line where there is one") {
    support::temporary_folder const folder;
    auto const of = [&](std::string const& text) {
        std::ofstream(folder.path / "ds.json") << text;
        return refusal(deepspeed((folder.path / "ds.json").string()));
    };
    CHECK(refusal(deepspeed("/nowhere/ds.json")) ==
          "--deepspeed /nowhere/ds.json cannot be read: name a YAML or JSON file that is there");
    CHECK(refusal(deepspeed(folder.path.string())).find(" is a folder: ") != std::string::npos);
    CHECK(of("{\"zero_optimization\":\n {\"stage\": 2\n").starts_with("ds.json:"));
    CHECK(of("").find(" is empty: write keys and values") != std::string::npos);
    CHECK(of("[1]").find(" holds no options: write keys and values") != std::string::npos);
    CHECK(of("\n\n{\"zero_optimization\":\n {\n\"stage\": 7}}").starts_with("ds.json:5: zero_optimization.stage is 7"));
    CHECK(of("zero_optimization:\n  stage: 3\n").empty());  // YAML will do
    CHECK(refusal(deepspeed("{\"stage\": ")).starts_with("--deepspeed:1: this is neither YAML nor JSON"));
}

TEST_CASE("map_sharding: FSDP's words") {
    CHECK(mapped(fsdp("full_shard auto_wrap")).sharding == "zero3");
    CHECK(mapped(fsdp("full_shard auto_wrap")).note == "--fsdp full_shard auto_wrap: --sharding zero3");
    CHECK(mapped(fsdp("auto_wrap,shard_grad_op")).sharding == "zero2");
    CHECK(mapped(fsdp("no_shard")).note == "--fsdp no_shard: --sharding none");
    CHECK(mapped(fsdp("true")).sharding == "zero3");  // as transformers takes it
    for (auto const* const nothing : {"", "false", "none"}) CHECK(mapped(fsdp(nothing)).note.empty());
    CHECK(refusal(fsdp("full_shard offload")).starts_with("--fsdp offload is not supported: weights that learn stay"));
    CHECK(refusal(fsdp("hybrid_shard")) ==
          "--fsdp hybrid_shard is not supported: weights are split over all processes, and not within a host; give "
          "full_shard");
    CHECK(refusal(fsdp("hybrid_shard_zero2")).ends_with("; give shard_grad_op"));
    CHECK(refusal(fsdp("full")) ==
          "--fsdp full is not known: give full_shard, shard_grad_op or no_shard, with auto_wrap or without");
    CHECK(refusal(fsdp("auto_wrap")) ==
          "--fsdp auto_wrap does not say what is split: add full_shard, shard_grad_op or no_shard");
    CHECK(refusal(fsdp("full_shard no_shard")) == "--fsdp full_shard and no_shard exclude each other: give one");
}

TEST_CASE("map_sharding: FSDP's further keys") {
    CHECK(mapped(fsdp("full_shard", R"({"fsdp_transformer_layer_cls_to_wrap": ["GPTNeoXLayer"], "min_num_params": 0,
                                        "backward_prefetch": "backward_pre", "fsdp_use_orig_params": true})"))
              .note ==
          "--fsdp full_shard: --sharding zero3; taken and not read, as no number depends on them: backward_prefetch, "
          "fsdp_use_orig_params");
    auto const of = [](std::string const& json) { return refusal(fsdp("full_shard", json)); };
    CHECK(of(R"({"min_num_params": 2000})") ==
          "--fsdp_config:1: min_num_params is not supported: each layer is gathered by itself");
    CHECK(of(R"({"transformer_layer_cls_to_wrap": "LlamaDecoderLayer"})").find("is not supported") !=
          std::string::npos);
    CHECK(of(R"({"xla": true})").find("it is of TPUs") != std::string::npos);
    CHECK(of(R"({"fsdp_offload_params": true})").find("weights that learn stay on the device") != std::string::npos);
    CHECK(of(R"({"activation_checkpointing": true})").find("give --gradient_checkpointing true") != std::string::npos);
    CHECK(of(R"({"forward_prefech": true})").ends_with("did you mean forward_prefetch?"));
    CHECK(refusal(fsdp("", R"({"xla": false, "min_num_params": 0})")).empty());
    CHECK(
        refusal(fsdp("", R"({"forward_prefetch": true})")).starts_with("--fsdp_config would do nothing: give --fsdp"));
}

TEST_CASE("map_sharding: one of --deepspeed, --fsdp and --sharding, or several that say the same") {
    auto const stage2 = deepspeed(R"({"zero_optimization": {"stage": 2}})");
    auto const with = [&](std::string const& sharding) {
        return [=](PPOv2Config& config) { stage2(config), config.sharding = sharding; };
    };
    CHECK(refusal([&](PPOv2Config& config) { stage2(config), config.fsdp = "full_shard"; }) ==
          "--deepspeed and --fsdp exclude each other: give one, or --sharding alone");
    CHECK(mapped(with("zero2")).sharding == "zero2");
    CHECK(refusal(with("zero3")) ==
          "--deepspeed asks for --sharding zero2, and --sharding zero3 is given: give one of them");
    CHECK(refusal(with("none"), {{"sharding", {"none"}}}).find("and --sharding none is given") != std::string::npos);
    CHECK(mapped(with("none"), {{"sharding", {"none", "run.yaml:1", true}}}).sharding == "zero2");  // a file's default
}

TEST_CASE("map_given_sharding: on a command line the word counts as given, by the option that asked for it") {
    PPOv2Config config;
    given_flags given;
    map_given_sharding(config, given);
    CHECK(given.empty());
    config.fsdp = "shard_grad_op";
    map_given_sharding(config, given);
    CHECK((given == given_flags{{"sharding", {"zero2", "--fsdp shard_grad_op", false}}}));
    CHECK(config.sharding == "zero2");
}
