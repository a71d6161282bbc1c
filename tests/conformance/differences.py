"""The tests that show what the pages of compatibility say of the names that differ from Keras."""

from __future__ import annotations

_HERE = "tests/conformance/test_differences.py"
_BOXES = "tests/layers/preprocessing/test_image_boxes.py"
_LORA = (
    "tests/quantizers/test_layers.py::test_a_step_computes_gradients_of_adapters_only",
    "tests/quantizers/test_layers.py::test_loaded_adapters_can_be_trained",
)
_MEMBERS = f"{_HERE}::test_members_that_cornu_does_not_have"
_ARGUMENTS = f"{_HERE}::test_arguments_that_cornu_does_not_take"
_RECURRENT = (
    f"{_HERE}::test_states_of_stateful_layers_are_weights",
    "tests/ops/test_rnn.py::test_masked_steps_carry_states_and_repeat_outputs",
    "tests/ops/test_rnn.py::test_the_output_of_a_masked_step_is_the_one_before_whatever_the_states_are",
)
_DIRECTORIES = (
    "tests/data/readers/test_directories.py::test_the_shuffled_order_and_split_are_those_of_keras"
)

# Name -> the tests, by file and function. test_compatibility checks that no name is missing.
DIFFERENCES: dict[str, tuple[str, ...]] = {
    "Model": (
        f"{_HERE}::test_targets_are_not_broadcast",
        f"{_HERE}::test_a_model_does_not_report_predictions_by_default",
        "tests/models/test_step_methods.py::test_wrong_state_trees_are_refused",
        "tests/training/test_steps_custom.py::test_steps_receive_what_the_user_passed",
        "tests/export/test_stablehlo.py::test_formats_that_are_not_written",
    ),
    "RematScope": ("tests/core/graph/test_remat.py::test_layers_made_in_a_scope_recompute",),
    "Sequential": (f"{_HERE}::test_a_sequential_model_passes_no_arguments_to_its_layers",),
    "Variable": (_ARGUMENTS,),
    "callbacks.BackupAndRestore": (
        "tests/training/resume/test_session.py::test_backup_and_restore",
    ),
    "callbacks.History": (f"{_HERE}::test_a_history_of_two_fits_counts_both",),
    "callbacks.OrbaxCheckpoint": (
        f"{_HERE}::test_checkpoints_of_keras_are_read_but_not_the_other_way",
    ),
    "callbacks.ProgbarLogger": (
        "tests/callbacks/test_progbar_logger.py::test_times_leave_out_compilation_and_validation",
        "tests/callbacks/test_progbar_logger.py::test_a_file_has_one_line_for_each_epoch",
    ),
    "callbacks.TensorBoard": tuple(
        f"tests/callbacks/tensorboard/test_callback.py::test_{name}"
        for name in (
            "steps_count_on_in_a_second_fit_and_in_a_resumed_one",
            "speed_is_positive_and_leaves_out_validation",
            "pictures_of_weights",
            "blocks_and_nested_models_are_paths",
            "the_projector_finds_the_tables",
            "a_metric_with_several_values_is_a_histogram",
        )
    ),
    "callbacks.TerminateOnNaN": ("tests/callbacks/test_small.py::test_terminate_on_nan",),
    "config.enable_flash_attention": (f"{_HERE}::test_fused_attention_is_optional",),
    "config.set_backend": ("tests/conformance/test_members.py::test_the_only_backend",),
    "datasets.imdb.load_data": (f"{_HERE}::test_unknown_arguments_of_imdb_are_refused",),
    "distillation.Distiller": (
        "tests/distillation/test_distiller.py"
        "::test_sample_weight_and_regularizers_are_part_of_the_student_loss",
    ),
    "export.ExportArchive": (
        "tests/export/test_saved_model.py::test_what_an_archive_refuses",
        "tests/export/test_saved_model.py::test_an_archive_with_two_endpoints",
    ),
    "layers.AugMix": (f"{_BOXES}::test_boxes_and_masks_stay_where_pixels_stay",),
    "layers.CategoryEncoding": (f"{_HERE}::test_integers_out_of_range_are_refused_in_fit",),
    "layers.ContrastLimitedAdaptiveHistogramEqualization": (
        f"{_HERE}::test_equalized_integers_are_rounded",
    ),
    **{f"layers.Conv{rank}D": _LORA for rank in (1, 2, 3)},
    **{
        f"layers.{name}": (*_LORA, _MEMBERS)
        for name in ("Dense", "EinsumDense", "Embedding", "ReversibleEmbedding")
    },
    **{f"layers.ConvLSTM{rank}D": _RECURRENT for rank in (1, 2, 3)},
    **{f"layers.{name}": _RECURRENT for name in ("RNN", "SimpleRNN")},
    **{
        f"layers.{name}": (
            f"{_HERE}::test_gradients_of_recurrent_layers_are_reverse",
            *_RECURRENT,
        )
        for name in ("GRU", "LSTM")
    },
    "layers.FlaxLayer": (
        "tests/layers/test_flax_layer.py::test_variables_of_the_program",
        "tests/layers/test_flax_layer.py::test_modules_without_get_config_are_described_by_their_fields",
    ),
    "layers.Input": tuple(
        f"tests/{test}"
        for test in (
            "core/sparse/test_rows.py::test_few_shapes_serve_many_batches",
            "models/test_sparse_inputs.py"
            "::test_layers_keep_sparse_arrays_sparse_or_receive_dense_ones",
            "core/sparse/test_rules.py::test_ops_compute_with_sparse_arrays_in_all_forms",
        )
    ),
    "layers.JaxLayer": (
        "tests/layers/test_jax_layer.py::test_weights_are_a_tree_with_names",
        "tests/layers/test_jax_layer.py::test_a_subclass_chooses_the_random_keys",
    ),
    "layers.Lambda": ("tests/layers/test_lambda_layer.py::test_code_is_never_loaded",),
    "layers.Layer": (f"{_HERE}::test_graphs_of_a_layer_can_be_collected", _MEMBERS),
    "layers.TFSMLayer": ("tests/layers/test_tfsm_layer.py::test_a_layer_in_a_model",),
    "layers.Normalization": (f"{_HERE}::test_a_vector_has_no_feature_axis",),
    "layers.RandomCrop": (f"{_HERE}::test_each_image_is_cropped_at_a_position_of_its_own",),
    "layers.RandomFlip": (f"{_HERE}::test_random_layers_of_a_model_need_training",),
    "layers.RandomGrayscale": (_ARGUMENTS,),
    **{
        f"layers.Random{name}": (f"{_BOXES}::test_boxes_are_those_of_keras_half_a_pixel_away",)
        for name in ("Perspective", "Rotation", "Zoom")
    },
    "layers.TextVectorization": (f"{_HERE}::test_functions_of_a_text_layer_get_arrays_of_numpy",),
    "layers.TimeDistributed": (
        "tests/conformance/arguments/test_differences.py"
        "::test_a_time_distributed_layer_has_its_own_dtype_policy",
    ),
    "losses.Loss": (f"{_HERE}::test_a_vector_of_predictions_has_a_value_per_sample",),
    "metrics.MeanMetricWrapper": ("tests/metrics/test_base.py::test_short_floats_are_widened",),
    "ops.dot_product_attention": (f"{_HERE}::test_fused_attention_is_optional",),
    "optimizers.Adadelta": (_ARGUMENTS,),
    "optimizers.SGD": (_ARGUMENTS,),
    "preprocessing.image.smart_resize": (_ARGUMENTS,),
    "quantizers.fake_quant_with_min_max_vars": (
        f"{_HERE}::test_fake_quantization_of_tensors_uses_its_options",
    ),
    "quantizers.get": (f"{_HERE}::test_arguments_of_a_named_quantizer",),
    "random.SeedGenerator": (
        "tests/ops/test_random.py::test_seed_generator_is_a_plain_object",
        "tests/ops/test_random.py::test_a_key_depends_on_the_layer_path",
    ),
    "saving.load_model": (
        f"{_HERE}::test_a_lambda_in_a_file",
        "tests/layers/test_lambda_layer.py::test_code_is_never_loaded",
    ),
    "saving.load_weights": (f"{_HERE}::test_weights_in_checkpoints_are_not_ignored",),
    "saving.save_weights": (
        "tests/saving/test_sharded.py"
        "::test_an_error_at_any_point_leaves_the_old_or_the_new_weights",
    ),
    "utils.audio_dataset_from_directory": (
        "tests/data/readers/test_audio_files.py::test_integers_of_all_widths",
        "tests/data/readers/test_audio_files.py::test_another_rate_keeps_the_tone",
    ),
    "utils.get_file": tuple(
        f"tests/utils/test_downloads.py::test_{name}"
        for name in (
            "addresses",
            "archives_are_extracted_once",
            "archives_that_are_unsafe_or_not_archives",
        )
    ),
    "utils.image_dataset_from_directory": (
        _DIRECTORIES,
        "tests/data/readers/test_image_files.py::test_jpeg_is_close_to_keras",
    ),
    "utils.model_to_dot": ("tests/inspect/plot/test_plot_model.py::test_dot",),
    "utils.plot_model": ("tests/inspect/plot/test_plot_model.py::test_dot",),
    "utils.split_dataset": ("tests/utils/test_batches.py::test_split",),
    "utils.text_dataset_from_directory": (
        "tests/data/readers/test_text_files.py::test_texts_are_strings",
    ),
    "utils.timeseries_dataset_from_array": (
        "tests/data/readers/test_timeseries.py::test_wrong_arguments",
        "tests/data/readers/test_timeseries.py::test_a_shuffled_order_has_the_windows_of_keras",
    ),
    "utils.to_categorical": (f"{_HERE}::test_one_hot_vectors_have_the_global_float_type",),
}
