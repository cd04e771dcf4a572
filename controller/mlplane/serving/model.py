"""The kserve model: takes requests of both protocols to the predictor, away from the event loop.

Imports kserve, which parses ``sys.argv`` when it is imported: only ``__main__`` leads here, after it has
cleaned the arguments.
"""

import asyncio
import logging
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kserve import InferOutput, InferRequest, InferResponse, Model
from kserve.errors import InferenceError
from kserve.errors import InvalidInput as BadRequest

from mlplane.api.modelversion import Tensor
from mlplane.errors import InvalidInput
from mlplane.serving.artifact import Predictor
from mlplane.serving.protocols import check_requested, v1_answer, v1_tensors, v2_tensors

_log = logging.getLogger(__name__)


class ExportedModel(Model):  # type: ignore[misc]  # kserve has no types
    """A predictor under a name."""

    def __init__(self, name: str, predictor: Predictor) -> None:
        super().__init__(name)
        self._predictor = predictor
        # One at a time: torch uses all CPUs for one prediction, so two would only get in each other's way.
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="predict")
        self.ready = True

    def load(self) -> bool:
        """The model was loaded before the server started; kserve asks when it is not ready."""
        return bool(self.ready)

    def validate(self, payload: Any) -> Any:
        """Left to ``predict``, which knows the signature."""
        return payload

    def get_input_types(self) -> list[dict[str, Any]]:
        """Inputs, for the metadata endpoint."""
        return [_metadata(i.tensor) for i in self._predictor.interface.inputs]

    def get_output_types(self) -> list[dict[str, Any]]:
        """Outputs, for the metadata endpoint."""
        return [_metadata(spec) for spec in self._predictor.interface.outputs]

    async def predict(self, payload: Any, headers: dict[str, str] | None = None) -> Any:  # noqa: ARG002
        """Answer a request: ``InferRequest`` for V2, parsed JSON or bytes for V1.

        Raises:
            BadRequest: What the client sent does not fit the model (400).
            InferenceError: The model failed on an input that fits its signature (500).
        """
        answer = self._v2 if isinstance(payload, InferRequest) else self._v1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, answer, payload)
        except InvalidInput as error:
            raise BadRequest(str(error)) from error
        except Exception as error:  # noqa: BLE001  whatever a model does wrong is an answer, not a crash
            # The text may hold values of the request: it goes to the client, never to the log.
            _log.error("a prediction failed with %s", type(error).__name__)
            raise InferenceError(f"the model failed: {type(error).__name__}: {error}") from None

    def _v1(self, body: Any) -> dict[str, Any]:
        interface = self._predictor.interface
        return v1_answer(self._predictor(v1_tensors(body, interface)), interface)

    def _v2(self, request: Any) -> Any:
        interface = self._predictor.interface
        requested = request.request_outputs or []
        check_requested([output.name for output in requested], interface)
        arrays = self._predictor(v2_tensors(request.inputs, interface))
        outputs = []
        for spec, array in zip(interface.outputs, arrays, strict=True):
            output = InferOutput(spec.name, list(array.shape), spec.datatype)
            output.set_data_from_numpy(array, binary_data=False)
            outputs.append(output)
        return InferResponse(
            response_id=request.id or str(uuid.uuid4()),
            model_name=self.name,
            infer_outputs=outputs,
            requested_outputs=requested,
            use_binary_outputs=request.use_binary_outputs,
        )


def _metadata(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}
