// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <proximal/run/config_json.hpp>
#include <proximal/run/idle_options.hpp>
#include <proximal/run/options.hpp>
#include <proximal/run/ppo_config.hpp>
#include <string>

using namespace proximal;
using namespace proximal::run;

namespace {
/// A file run.yaml, of a text, in a folder that ends with it.
class written {
   public:
    explicit written(std::string const& text, std::string const& name = "run.yaml")
        : folder_(std::filesystem::temp_directory_path() / ("proximal_options_" + std::to_string(::getpid()))),
          path_(folder_ / name) {
        std::filesystem::create_directories(folder_);
        std::ofstream(path_, std::ios::binary) << text;
    }
    ~written() { std::filesystem::remove_all(folder_); }
    std::string path() const { return path_.string(); }

   private:
    std::filesystem::path folder_, path_;
};

parsed_options read(PPOv2Config& config, std::string const& text, std::vector<std::string> arguments = {}) {
    written const file(text);
    arguments.insert(arguments.end(), {"--config", file.path()});
    auto const parsed = parse_options(any_knobs(config), "test", arguments);
    REQUIRE(parsed.has_value());
    return *parsed;
}

PPOv2Config config_of(std::string const& text, std::vector<std::string> const& arguments = {}) {
    PPOv2Config config;
    read(config, text, arguments);
    return config;
}
}  // namespace

TEST_CASE("options: a flag rules over the file, the file over the default, and each value says where it came from") {
    PPOv2Config config;
    auto const parsed = read(config, "# mine\nlearning_rate: 1e-5\nkl-coef: 0.1\nseed: 7\nresponse_length: 53\n",
                             {"--seed=8", "--print_config"});
    CHECK((config.learning_rate == 1e-5 && config.kl_coef == 0.1 && config.seed == 8 && config.gamma == 1.0));
    CHECK(parsed.print_config);
    CHECK((parsed.given == given_flags{{"learning_rate", {"1e-5", "run.yaml:2", false}},
                                       {"kl_coef", {"0.1", "run.yaml:3", false}},
                                       {"seed", {"8"}},
                                       {"response_length", {"53", "run.yaml:5", false}}}));
    CHECK((is_chosen(parsed.given, "seed") && is_chosen(parsed.given, "kl_coef")));
    CHECK(is_chosen(parsed.given, "response_length"));  // written down in a file of one's own, as a flag
    CHECK_FALSE(is_chosen(parsed.given, "gamma"));
    config.num_ppo_epochs = 1;  // as a program chooses
    auto knobs = any_knobs(config);
    PPOv2Config untouched;
    for (std::size_t i = 0; auto const& knob : any_knobs(untouched)) knobs[i++].default_text = knob.default_text;
    auto const text = options_text(knobs, parsed.given);
    CHECK_THAT(text, Catch::Contains("learning_rate = 1e-05  (run.yaml:2)\n"));
    CHECK_THAT(text, Catch::Contains("\nseed = 8  (flag)\n"));
    CHECK_THAT(text, Catch::Contains("\ngamma = 1  (default)\n"));
    CHECK_THAT(text, Catch::Contains("\nnum_ppo_epochs = 1  (chosen by the program)\n"));
    CHECK_THAT(text, Catch::Contains("\nresponse_length = 53  (run.yaml:5)\n"));
    CHECK(provenance_json(parsed.given).dump() ==
          R"({"kl_coef":"file","learning_rate":"file","response_length":"file","seed":"flag"})");
}

TEST_CASE("options: of two knobs of one name the algorithm's own is shown") {
    double field = 0.05, own = 0.3;
    std::vector<any_knob> const knobs{knob_for(field, "kl_coef", "the algorithm", "", ""),
                                      knob_for(field, "gamma", "the algorithm", "", ""),
                                      knob_for(own, "kl_coef", "kl_penalty", "", "")};
    CHECK(options_text(knobs, {}) == "kl_coef = 0.3  (default)\ngamma = 0.05  (default)\n");
}

TEST_CASE("options: YAML's spellings") {
    auto const config = config_of(
        "%YAML 1.1\n---\nuse_cpu: yes\nwhiten_rewards: On\nbf16: TRUE\ndisable_tqdm: off\ntf32: ~\n"
        "stop_token: \"eos\"\ntotal_episodes: null\neval_strategy: no\nlogging_steps: .5\nlearning_rate: 3E-6\n"
        "report_to: [tensorboard]\nlr_scheduler_kwargs: {num_cycles: 2, deep: [1e-3, yes, \"1\"]}\n"
        "sft_model_path:\noutput_dir: 'null'\n");
    CHECK((config.use_cpu && config.whiten_rewards && config.bf16 && !config.disable_tqdm && !config.tf32));
    CHECK((config.stop_token == "eos" && !config.total_episodes && config.eval_strategy == "no"));
    CHECK((config.logging_steps == 0.5 && config.learning_rate == 3e-6 && config.report_to == "tensorboard"));
    CHECK(config.lr_scheduler_kwargs == R"({"deep":[0.001,"yes","1"],"num_cycles":2})");
    CHECK((!config.sft_model_path && config.output_dir == "null"));
    CHECK(config_of("report_to: []\n").report_to == "none");
    CHECK(config_of("lr_scheduler_kwargs: ~\n").lr_scheduler_kwargs == "{}");
    CHECK(config_of("report_to: ~\n").report_to == "tensorboard");  // TRL's None: as the library decides
    CHECK(config_of("lr_scheduler_kwargs: '{\"power\": 2}'\n").lr_scheduler_kwargs == R"({"power": 2})");
    CHECK(config_of("lr_scheduler_kwargs:\n  num_cycles: 3\n").lr_scheduler_kwargs == R"({"num_cycles":3})");
    CHECK(config_of("tf32: false\n").tf32 == false);
    CHECK(config_of("\xEF\xBB\xBFseed: 3\r\nkl_coef: 1\r\n").seed == 3);  // as Windows writes it
}

TEST_CASE(
    "options: numbers are read as PyYAML and Python read them; one that would surprise is refused with what to write") {
    auto const steps = [](std::string const& text) { return config_of("save_steps: " + text + "\n").save_steps; };
    CHECK((steps("1_000") == 1000.0 && steps("0x10") == 16.0 && steps("0b101") == 5.0 && steps("+7") == 7.0));
    CHECK((steps("1e2") == 100.0 && steps("1.0e+2") == 100.0 && steps(".5") == 0.5 && steps("+.5") == 0.5));
    CHECK((steps("007") == 7.0 && steps("08") == 8.0 && steps("1_000.5e-1") == 100.05 && steps("\"1_000\"") == 1000.0));
    CHECK((config_of("seed: 0xFF\n").seed == 255 && config_of("max_steps: -1\n").max_steps == -1));
    CHECK(
        config_of("lr_scheduler_kwargs: {power: 0x10, lr_end: 1e-5, a: 1_000, b: 08, c: .inf}\n").lr_scheduler_kwargs ==
        R"({"a":1000,"b":8.0,"c":".inf","lr_end":1e-05,"power":16})");
    CHECK(config_of("exp_name: 0x10\nrun_name: 12:30\n").exp_name == "0x10");  // where an option is text, it is that
    auto const said = [](std::string const& line) -> std::string {
        try {
            config_of("seed: 1\n" + line + "\n");
        } catch (std::exception const& error) {
            return error.what();
        }
        return "";
    };
    CHECK(said("save_steps: 017") == "run.yaml:2: save_steps: 017 is octal in YAML 1.1, 15: write 15 or 17");
    CHECK(said("save_steps: 0o17") == "run.yaml:2: save_steps: 0o17 is text in YAML 1.1 and a number in 1.2: write 15");
    CHECK(said("save_steps: 1:30") == "run.yaml:2: save_steps: 1:30 is a number in sixtieths in YAML 1.1: write 90");
    CHECK(said("save_steps: +.inf") == "run.yaml:2: save_steps must be a finite number, but is inf.");
    CHECK(said("kl_coef: .NaN") == "run.yaml:2: kl_coef must be a finite number, but is nan.");
    CHECK(said("lr_scheduler_kwargs: {power: 017}") ==
          "run.yaml:2: lr_scheduler_kwargs is no dictionary that can be read: 017 is octal in YAML 1.1, 15: write 15 "
          "or 17");
    CHECK(said("save_steps: 1__000") == "run.yaml:2: save_steps expects a number, not '1__000'");
}

TEST_CASE("options: all that is wrong with the flags and the file is told at once, a line each") {
    auto const said = [](std::string const& text, std::vector<std::string> const& arguments) -> std::string {
        try {
            config_of(text, arguments);
        } catch (std::exception const& error) {
            return error.what();
        }
        return "";
    };
    CHECK(said("seed: fast\nkl_coef: 0.1\nlearning_rat: 1\nseed: 2\n? [a]\n: 1\n", {}) ==
          "run.yaml:4: seed stands at run.yaml:1 already: keep one of them\nrun.yaml:5: a key must be the name of an "
          "option");
    CHECK(said("seed: fast\nkl_coef: -1\nlearning_rat: 1\n",
               {"--gamma=2", "stray", "--epochs", "--lora_r", "8", "--gamma", "x"}) ==
          "run.yaml:1: seed expects a whole number, 0 or more, not 'fast'\n"
          "run.yaml:2: kl_coef must be at least 0, but is -1.\n"
          "run.yaml:3: there is no flag --learning_rat: did you mean --learning_rate? See --help\n"
          "'stray' belongs to no flag: write --name value, a flag takes one value, or see --help\n"
          "there is no flag --epochs: is one of these meant: --num_ppo_epochs, --num_train_epochs? See --help\n"
          "--lora_r is not supported: all weights are trained; give a merged model in --sft_model_path\n"
          "--gamma expects a number, not 'x'\n"
          "--gamma must be in [0, 1], but is 2.");
    std::vector<std::string> many;
    for (int i = 0; i < 13; ++i) many.push_back("--zzzzzzz" + std::string(static_cast<std::size_t>(i + 1), 'q'));
    auto const text = said("seed: 1\n", many);
    CHECK(std::count(text.begin(), text.end(), '\n') == 10);
    CHECK_THAT(text, Catch::EndsWith("\nand 3 more"));
    CHECK(said("seed: 1\n", {"--config", "other.yaml"}) ==
          "--config stands on the command line more than once: name one file");
    CHECK(said("kl_coef: -1\n", {"--print_config"}) == "run.yaml:1: kl_coef must be at least 0, but is -1.");
}

TEST_CASE("options: help is asked for by --help wherever it stands, about all options or some") {
    using names = std::vector<std::string>;
    CHECK(asked_help({"--seed", "1"}) == std::nullopt);
    CHECK(asked_help({"--seed", "x", "--help"}) == names{});
    CHECK(asked_help({"-h"}) == names{});
    CHECK(asked_help({"--help", "seed", "kl_coef", "--bf16"}) == names{"seed", "kl_coef"});
    CHECK(asked_help({"--help=seed", "--help", "kl_coef"}) == names{"seed", "kl_coef"});
    CHECK(asked_help({"--help", "--seed"}) == names{"--seed"});
    CHECK(asked_help({"--help", "--algorithm", "grpo"}) == names{});  // the help of grpo
    PPOv2Config config;
    auto const parse = [&](names const& arguments) { return parse_options(any_knobs(config), "test", arguments); };
    CHECK(parse({"--help", "seed", "deepspeed", "rloo_k"}) == std::nullopt);  // answered
    CHECK(parse({"--seed=fast", "--config", "/nowhere", "--help"}) == std::nullopt);
    CHECK_THROWS_WITH(parse({"--help", "seed", "sed", "qqqqqq"}),
                      "there is no flag --sed: did you mean --seed? See --help\nthere is no flag --qqqqqq: see --help");
}

TEST_CASE("options: JSON, with tabs and escapes") {
    auto const config = config_of(
        "{\n\t\"seed\": 3,\n\t\"exp_name\": \"caf\\u00e9 \\/ \\\"x\\\" \\ud83d\\ude00\",\n\t"
        "\"total_episodes\": null,\n\t\"bf16\": true, \"learning_rate\": 1e-05}\n");
    CHECK((config.seed == 3 && config.bf16 && config.learning_rate == 1e-5));
    CHECK(config.exp_name == "caf\u00e9 / \"x\" \U0001f600");
}

TEST_CASE("options: what is wrong with a file is said with its line and key") {
    auto const refusal = [](std::string const& text, std::vector<std::string> const& arguments = {}) -> std::string {
        try {
            config_of(text, arguments);
        } catch (std::exception const& error) {
            return error.what();
        }
        return "";
    };
    CHECK(refusal("seed: 1\nlearning_rat: 2\n") ==
          "run.yaml:2: there is no flag --learning_rat: did you mean --learning_rate? See --help");
    CHECK(refusal("seed: fast\n") == "run.yaml:1: seed expects a whole number, 0 or more, not 'fast'");
    CHECK(refusal("seed: 1.5\n") == "run.yaml:1: seed expects a whole number, 0 or more, not '1.5'");
    CHECK(refusal("seed: 1e3\nsave_total_limit: 2.0\n").empty());  // whole numbers, as JSON tools write them
    CHECK(refusal("lr_scheduler_kwargs: &a {x: *a}\n").find("an alias that stands for what it is in") !=
          std::string::npos);
    CHECK(refusal("config: x\n") == "run.yaml:1: config stands on the command line alone");
    CHECK(refusal("ppo:\n  kl_coef: 1\n").find("a file is flat") != std::string::npos);
    CHECK(refusal("\n\nkl_coef: -1\n") == "run.yaml:3: kl_coef must be at least 0, but is -1.");
    CHECK(refusal("kl_coef: -1\n", {"--kl_coef=1"}) == "run.yaml:1: kl_coef must be at least 0, but is -1.");
    CHECK(refusal("optim: adamm\n") ==
          "run.yaml:1: optim must be one of adamw_torch, adamw_torch_fused, sgd, "
          "adafactor, adagrad, rmsprop, but is 'adamm'.");
    CHECK(refusal("seed: 1\nkl_coef: 0\nseed: 2\n") ==
          "run.yaml:3: seed stands at run.yaml:1 already: keep one of them");
    CHECK(refusal("kl_coef: 1\nkl-coef: 1\n") == "run.yaml:2: kl_coef stands at run.yaml:1 already: keep one of them");
    CHECK(refusal("learning_rate: ~\n") == "run.yaml:1: learning_rate expects a number, not null");
    CHECK(
        refusal("seed: 1\noutput_dir: ~/runs: x\n") ==
        "run.yaml:2: this is neither YAML nor JSON, 'output_dir: ~/runs: x': write NAME: VALUE, and text that holds a "
        "colon, a # or a bracket in quotes");
    for (auto const* broken :
         {"a: [1, 2\n", "a: {b\n", "a: @x\n", "a: %\n", "b: *nobody\n", "a: &\n", "a: \"\\q\"\n", "{\"seed\": 1, \n"}) {
        INFO(broken << refusal(broken));
        CHECK(refusal(broken).find(": this is neither YAML nor JSON") != std::string::npos);
    }
    CHECK(refusal("lr_scheduler_kwargs: {[1]: 2}\n") ==
          "run.yaml:1: lr_scheduler_kwargs is no dictionary that can be read: a key in it is no word");
    CHECK(refusal("output_dir: [a, b]\n") == "run.yaml:1: output_dir expects text, not a list");
    CHECK(refusal("seed:\n  is: 1\n") == "run.yaml:1: seed expects a whole number, 0 or more, not a dictionary");
    CHECK(refusal("report_to: [[x]]\n") == "run.yaml:1: the list at report_to may hold words and numbers alone");
    CHECK(refusal("use_cpu: \"yes\"\n").empty());  // text to YAML, and a bool to transformers
    CHECK(refusal("use_cpu: maybe\n") == "run.yaml:1: use_cpu expects true or false, not 'maybe'");
    CHECK(refusal("mp_parameters: x\n").starts_with("run.yaml:1: mp_parameters is not supported: they are SageMaker"));
    CHECK(refusal("ddp_backend: mpi\n") == "run.yaml:1: ddp_backend must be one of nccl, gloo, but is 'mpi'.");
    CHECK(refusal("lora_r: 8\n").starts_with("run.yaml:1: lora_r is not supported: all weights"));
    CHECK(refusal("seed: 1\n\tkl_coef: 2\n") == "run.yaml:2: the line begins with a tab: indent with spaces");
    CHECK(refusal("seed: 1\n---\nseed: 2\n").find("holds several documents: keep one") != std::string::npos);
    CHECK(refusal("? [a, b]\n: 1\n") == "run.yaml:1: a key must be the name of an option");
    CHECK(refusal("{\"seed\": 1,\n \"kl_coef\": \n").starts_with("run.yaml:"));
    for (auto const* empty : {"", "\n", "# nothing\n", "\xEF\xBB\xBF"})
        CHECK(refusal(empty).find("is empty: write a line NAME: VALUE for each option") != std::string::npos);
    for (auto const* none : {"- seed\n", "seed\n", "[1, 2]\n"})
        CHECK(refusal(none).find("holds no options: write a line NAME: VALUE for each") != std::string::npos);
    CHECK(refusal(std::string("\xFF\xFEs\0", 4)).find("is UTF-16: save it as UTF-8") != std::string::npos);
    PPOv2Config config;
    auto const parse = [&](std::string const& path) {
        return parse_options(any_knobs(config), "test", {"--config", path});
    };
    CHECK_THROWS_WITH(parse("/nowhere/run.yaml"),
                      "--config /nowhere/run.yaml cannot be read: name a YAML or JSON file "
                      "that is there");
    CHECK_THROWS_WITH(parse("/tmp"), Catch::Contains("is a folder"));
    CHECK_THROWS_WITH(parse_options(any_knobs(config), "test", {"--config"}), Catch::Contains("--config has no value"));
}

TEST_CASE("options: the configuration that TRL writes is taken whole, and comes to ours") {
    std::ifstream in(PROXIMAL_TEST_DATA "/trl_config.json");
    std::string const text(std::istreambuf_iterator<char>(in), {});
    PPOv2Config config, expected;
    auto const parsed = read(config, text);
    expected.sft_model_path = expected.reward_model_path = "EleutherAI/pythia-160m";
    expected.run_name = "models/minimal/ppo";
    CHECK(to_json_object(config) == to_json_object(expected));
    CHECK_FALSE((parsed.given.contains("max_grad_norm") || parsed.given.contains("logging_steps")));
    CHECK_FALSE(is_chosen(parsed.given, "num_train_epochs"));
    for (auto const* const name : {"fsdp", "fsdp_config", "deepspeed", "ddp_timeout", "ddp_backend"})
        CHECK_FALSE(is_chosen(parsed.given, name));
    CHECK(config_of("max_grad_norm: 1.0\n").max_grad_norm == 1.0);  // in a file of one's own it acts
}

TEST_CASE("options: DeepSpeed's and FSDP's configurations may stand in the file, as TRL writes them") {
    auto const config = config_of(
        "fsdp: [full_shard, auto_wrap]\nfsdp_config: {forward_prefetch: true}\n"
        "deepspeed:\n  zero_optimization: {stage: 2}\nsharding: zero1\nbatch_scope: process\n");
    CHECK((config.fsdp == "full_shard,auto_wrap" && config.fsdp_config == R"({"forward_prefetch":true})"));
    CHECK(config.deepspeed == R"({"zero_optimization":{"stage":2}})");
    CHECK((config.sharding == "zero1" && config.batch_scope == "process"));
    CHECK(config_of("deepspeed: ds.json\n").deepspeed == "ds.json");
}

TEST_CASE("options: what a run records of itself is read back the same") {
    PPOv2Config config;
    config.lr_scheduler_kwargs = R"({"num_cycles": 2})";
    config.total_episodes = 100;
    config.learning_rate = 1.0 / 3.0;
    config.exp_name = "a: 'b' \"c\" \n # d";
    auto record = to_json_object(config);
    record["provenance"] = {{"exp_name", "flag"}};
    CHECK(to_json_object(config_of(record.dump(2))) == to_json_object(config));
    CHECK(to_json_object(config_of(record.dump())) == to_json_object(config));
}

TEST_CASE("options: a file may name what the algorithm does not read, as long as it is the default") {
    auto const parse = [](std::string const& text) {
        PPOv2Config config;
        auto knobs = any_knobs(config);
        std::erase_if(knobs, [](any_knob const& knob) { return knob.name == "vf_coef"; });
        written const file(text);
        return parse_options(knobs, "test", {"--config", file.path()},
                             {{"vf_coef", {"no part of grpo reads it", "0.1"}}});
    };
    CHECK(parse("vf_coef: 0.10\n")->given.empty());
    CHECK_THROWS_WITH(parse("vf_coef: 0.2\n"), "run.yaml:1: vf_coef would do nothing: no part of grpo reads it");
}

TEST_CASE("options: one option can be looked at before the others, also in a file") {
    written const file("algorithm: grpo\n");
    CHECK(option_value({"--config", file.path()}, "algorithm", "ppo") == "grpo");
    CHECK(option_value({"--algorithm=rloo", "--config=" + file.path()}, "algorithm", "ppo") == "rloo");
    CHECK(option_value({"--seed=1"}, "algorithm", "ppo") == "ppo");
}

TEST_CASE("options: help on one option says type, default, what is accepted and what TRL makes of it") {
    PPOv2Config config;
    auto const knobs = any_knobs(config);
    CHECK(flag_help(knobs, "max_steps") ==
          "--max_steps: updates to train for; -1: as total_episodes says\n  takes a whole number, at least -1\n"
          "  default: -1\n  It counts updates, each of batch_size episodes, and rules over num_train_epochs. TRL's PPO "
          "trainer ignores it.\n");
    CHECK_THAT(flag_help(knobs, "--save-total-limit"), Catch::Contains("takes a whole number, at least 1, or none"));
    CHECK_THAT(flag_help(knobs, "use_cpu"), Catch::Contains("takes true or false\n  default: false\n"));
    CHECK_THAT(flag_help(knobs, "optim"), Catch::Contains("takes text, one of adamw_torch"));
    CHECK(flag_help(knobs, "mp_parameters") ==
          "--mp_parameters is not supported: they are SageMaker's: give --sharding\n"
          "  TRL's default, none, is accepted and changes nothing\n");
    CHECK_THAT(flag_help(knobs, "rloo_k"), Catch::Contains("is called --group_size here"));
    CHECK_THROWS_WITH(flag_help(knobs, "sed"), Catch::Contains("did you mean --seed?"));
    CHECK_THROWS_WITH(flag_help(knobs, "learning"),
                      "there is no flag --learning: is one of these meant: --learning_rate? See --help");
    CHECK_THROWS_WITH(flag_help(knobs, "eval_batch_count"), Catch::Contains("--per_device_eval_batch_size"));
    CHECK_THROWS_WITH(flag_help(knobs, "qqqqqq"), "there is no flag --qqqqqq: see --help");
    CHECK_THAT(flag_help(knobs, "vf_coef", {{"vf_coef", {"no part of grpo reads it"}}}),
               Catch::Contains("--vf_coef would do nothing: no part of grpo reads it"));
    auto const all = flags_help(knobs, "About.");
    for (auto const* concern :
         {"the algorithm", "sampling", "batches", "the optimizer", "the schedule", "models and reward", "data",
          "logging", "saving", "evaluation", "precision and devices", "processes", "the run"})
        CHECK_THAT(all, Catch::Contains("\n" + std::string(concern) + ":\n"));
}

TEST_CASE("PPOv2Config: contradictions are named") {
    auto const with = [](auto const& change) {
        PPOv2Config config;
        change(config);
        validate(config);
    };
    CHECK_NOTHROW(with([](PPOv2Config&) {}));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.bf16 = c.fp16 = true; }), Catch::Contains("exclude each other"));
    CHECK_NOTHROW(with([](PPOv2Config& c) { c.sharding = "zero3", c.optim = "sgd", c.batch_scope = "process"; }));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.sharding = "zero1", c.optim = "adafactor"; }),
                      Catch::StartsWith("--optim adafactor keeps sums over the rows and columns of whole matrices"));
    CHECK_NOTHROW(with([](PPOv2Config& c) { c.sharding = "zero3", c.gather_for_generation = true; }));
    for (auto const* const sharding : {"none", "zero3"})
        CHECK_THROWS_WITH(with([&](PPOv2Config& c) { c.sharding = sharding, c.gather_for_generation = false; }),
                          Catch::StartsWith("--gather_for_generation false is not supported: processes end their "
                                            "responses at different tokens"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.ddp_backend = "nccl", c.use_cpu = true; }),
                      Catch::Contains("give --ddp_backend gloo"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.sharding = "zero4"; }),
                      "--sharding must be one of none, zero1, zero2, zero3, but is 'zero4'.");
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.max_steps = 0; }), Catch::StartsWith("--max_steps is 0"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.load_best_model_at_end = true; }),
                      Catch::Contains("--eval_strategy"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.early_stopping_patience = 1; }), Catch::Contains("--eval_strategy"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.lr_scheduler_type = "reduce_lr_on_plateau"; }),
                      Catch::Contains("--eval_strategy"));
    CHECK_THROWS_WITH(with([](PPOv2Config& c) { c.eval_strategy = "epoch", c.load_best_model_at_end = true; }),
                      Catch::Contains("--save_strategy"));
}

TEST_CASE("idle_options: what would do nothing beside the other options is refused, as a flag and in a file") {
    auto const refusal = [](std::vector<std::string> const& arguments, std::string const& text = "seed: 1") {
        PPOv2Config config;
        auto const parsed = read(config, text, arguments);
        try {
            refuse_idle_options(parsed.given, config);
        } catch (std::invalid_argument const& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(refusal({}).empty());
    CHECK(refusal({"--eval_steps=2"}) == "--eval_steps would do nothing: it needs --eval_strategy steps");
    CHECK(refusal({}, "eval_steps: 2") == "run.yaml:1: eval_steps would do nothing: it needs --eval_strategy steps");
    for (std::string const strategy : {"save", "logging", "eval"}) {  // by flags, in a file, and with the default too
        auto const said = [&] {
            return strategy + "_steps would do nothing: " +
                   (strategy == "eval" ? "it needs --eval_strategy steps"
                                       : "--" + strategy + "_strategy is no; it needs steps");
        };
        CHECK(refusal({"--" + strategy + "_strategy", "no", "--" + strategy + "_steps", "500"}) == "--" + said());
        CHECK(refusal({}, strategy + "_strategy: no\n" + strategy + "_steps: 500") == "run.yaml:2: " + said());
    }
    auto record = to_json_object(PPOv2Config());  // as a run keeps it: every option is named, and most say nothing
    record["save_strategy"] = "no";
    CHECK(refusal({}, record.dump(1)).empty());
    record["save_steps"] = 3;
    CHECK_THAT(refusal({}, record.dump(1)), Catch::Contains("save_steps would do nothing"));
    record = {{"save_strategy", "no"}, {"save_steps", 500}, {"provenance", nlohmann::json::object()}};
    CHECK(refusal({}, record.dump(1)).empty());
    CHECK(refusal({"--eval_steps=2", "--save_strategy=no", "--save_steps=3", "--optim=sgd", "--adam_beta1=0.8"}) ==
          "--adam_beta1 would do nothing: it is AdamW's, and --optim is sgd\n"
          "--eval_steps would do nothing: it needs --eval_strategy steps\n"
          "--save_steps would do nothing: --save_strategy is no; it needs steps");
    CHECK(refusal({"--eval_strategy=steps"}, "eval_steps: 2").empty());
    CHECK(
        refusal({"--num_train_epochs=2", "--max_steps=5"}).starts_with("--num_train_epochs would do nothing: --max_"));
    CHECK_THAT(refusal({"--max_steps=5"}, "num_train_epochs: 3.0"),
               Catch::StartsWith("run.yaml:1: num_train_epochs would do nothing: --max_steps"));
    CHECK(refusal({"--optim=sgd", "--adam_beta1=0.8"}).find("it is AdamW's, and --optim is sgd") != std::string::npos);
    CHECK(refusal({"--optim=adamw_torch_fused", "--adam_beta1=0.8"}).empty());
    CHECK(refusal({"--lr_scheduler_type=constant", "--warmup_steps=2"}).find("no warm-up") != std::string::npos);
    CHECK(refusal({"--save_strategy=no", "--save_steps=2"}).find("--save_strategy is no") != std::string::npos);
    CHECK(refusal({"--save_strategy=no", "--save_total_limit=2"}).find("no checkpoints") != std::string::npos);
    CHECK(refusal({"--logging_strategy=epoch", "--logging_steps=2"}).find("it needs steps") != std::string::npos);
    CHECK(refusal({"--ignore_data_skip"}).find("--resume_from_checkpoint") != std::string::npos);
    CHECK(refusal({"--early_stopping_threshold=1"}).find("--early_stopping_patience") != std::string::npos);
    CHECK(refusal({"--metric_for_best_model=eval_loss"}).find("there are no evaluations") != std::string::npos);
    CHECK(refusal({"--sharding=zero3", "--heartbeat_timeout=0", "--ddp_timeout=60", "--ddp_bucket_cap_mb=50",
                   "--ddp_backend=gloo", "--batch_scope=process", "--gather_for_generation=true"})
              .empty());  // also of one process
    CHECK(refusal({"--reward_timeout=5"}).find("--reward_command") != std::string::npos);
    CHECK(refusal({"--num_sample_generations=0", "--per_device_eval_batch_size=4"}).find("no table") !=
          std::string::npos);
}
