"""The routes: metadata, health, predictions as JSON and as binary data, limits."""

import json

import numpy as np
import pytest
from starlette.testclient import TestClient

import cornu
from cornu.serving import ServingOptions, create_application
from tests.serving.models import X, binary, ids_and_flags, tensor, texts, two_outputs

INFER = "/v2/models/m/infer"


@pytest.fixture(scope="module")
def model():
    return two_outputs()


@pytest.fixture(scope="module")
def client(model):
    options = ServingOptions(max_batch_size=4, max_json_bytes=2000, max_body_bytes=4000)
    with TestClient(create_application(model, options=options)) as client:
        yield client


def test_metadata_and_health(client):
    described = client.get("/v2/models/m").json()
    assert described["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert [entry["name"] for entry in described["outputs"]] == ["y", "z"]
    assert client.get("/v2/models/m/versions/1").json() == described
    assert client.get("/v2").json()["name"] == "cornu"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/m/ready"):
        assert client.get(path).status_code == 200


def test_predictions_as_json_are_those_of_the_model(client, model):
    expected = model.predict(X, verbose=0)
    for data in (X.ravel().tolist(), X.tolist()):
        message = {"id": "a", "inputs": [{**tensor("x", X, "FP32"), "data": data}]}
        answer = client.post(INFER, json=message).json()
        assert (answer["id"], answer["model_name"], answer["model_version"]) == ("a", "m", "1")
        for entry in answer["outputs"]:
            found = np.float32(entry["data"]).reshape(entry["shape"])
            np.testing.assert_allclose(found, expected[entry["name"]], rtol=1e-6)


def test_predictions_as_binary_data_are_those_of_the_model(client, model):
    wanted = [{"name": "z"}, {"name": "y", "parameters": {"binary_data": True}}]
    body, headers = binary(tensor("x", X[:3], "FP32"), X[:3].tobytes(), outputs=wanted)
    answer = client.post(INFER, content=body, headers=headers)
    size = int(answer.headers["Inference-Header-Content-Length"])
    z, y = json.loads(answer.content[:size])["outputs"]
    assert z["data"] == pytest.approx(X[:3].ravel().tolist())
    assert y["parameters"] == {"binary_data_size": 24}
    found = np.frombuffer(answer.content[size:], "float32").reshape(3, 2)
    np.testing.assert_allclose(found, model.predict(X[:3], verbose=0)["y"], rtol=1e-6)


def test_several_inputs_of_other_types():
    model = ids_and_flags()
    ids, flags = np.array([[1, 2], [0, 4]], "int32"), np.array([[True, False], [True, True]])
    inputs = [tensor("flags", flags, "BOOL"), tensor("ids", ids, "INT32")]
    with TestClient(create_application(model)) as client:
        answer = client.post(INFER, json={"inputs": inputs}).json()
        expected = model.predict([ids, flags], verbose=0)
        assert answer["outputs"][0]["data"] == pytest.approx(expected.ravel().tolist())
        wrong = [tensor("flags", flags, "BOOL"), tensor("ids", ids + 3, "INT32")]
        answer = client.post(INFER, json={"inputs": wrong})
        assert answer.status_code == 400 and "The model refuses" in answer.json()["error"]


def test_texts():
    model = texts()
    expected = model.predict(np.array(["b", "z"]), verbose=0)
    data = b"\x01\0\0\0b\x01\0\0\0z"
    body, headers = binary({"name": "text", "shape": [2], "datatype": "BYTES"}, data)
    with TestClient(create_application(model)) as client:
        as_json = client.post(INFER, json={"inputs": [tensor("text", ["b", "z"], "BYTES")]})
        as_bytes = client.post(INFER, content=body, headers=headers)
    for answer in (as_json, as_bytes):
        found = answer.json()["outputs"][0]["data"]
        assert found == pytest.approx(expected.ravel().tolist())


def test_requests_beyond_the_limits_are_refused(client):
    for content, headers, status, text in [
        (b" " * 2001, {}, 413, "more than 2,000 bytes. Send the arrays as binary data"),
        (b" " * 4001, {"Inference-Header-Content-Length": "2"}, 413, "more than 4,000 bytes"),
        (b"{}", {"Inference-Header-Content-Length": "2001"}, 413, "The JSON has more than 2,000"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, 400, "must be a number of bytes"),
    ]:
        answer = client.post(INFER, content=content, headers=headers)
        assert answer.status_code == status and text in answer.json()["error"], answer.text
    five = {"inputs": [tensor("x", np.zeros((5, 3)), "FP32")]}
    assert client.post(INFER, json=five).status_code == 413
    assert client.post("/v2/models/other/infer", json={}).status_code == 404
    assert client.post("/v2/models/m/versions/2/infer", json={}).status_code == 404
    assert client.get(INFER).status_code == 405
    assert client.get("/v2/nothing").json() == {"error": "Not Found"}


def test_values_that_json_cannot_express_are_an_error():
    x = cornu.Input((1,), name="x")
    zeros = np.zeros((1, 1), "float32")
    as_binary = {"parameters": {"binary_data_output": True}}
    with TestClient(create_application(cornu.Model(x, cornu.ops.log(x), name="m"))) as client:
        message = {"inputs": [tensor("x", zeros, "FP32")]}
        refused = client.post(INFER, json=message)
        answer = client.post(INFER, json={**message, **as_binary})
    assert refused.status_code == 500 and "as binary data" in refused.json()["error"]
    assert answer.content.endswith(np.float32(-np.inf).tobytes())


def test_metrics(client):
    client.post(INFER, json={})
    text = client.get("/metrics").text
    assert 'cornu_requests_total{status="400"}' in text and "cornu_batch_rows_bucket" in text
    assert "cornu_requests_waiting 0.0" in text


def test_models_that_cannot_be_served():
    class Own(cornu.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="defines call"):
        create_application(Own())
    with pytest.raises(ValueError, match="max_batch_size must be at least 1"):
        ServingOptions(max_batch_size=0)
