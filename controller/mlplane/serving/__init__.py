"""The predictor: a KServe model server for exported torch programs."""
