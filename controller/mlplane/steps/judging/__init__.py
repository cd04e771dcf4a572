"""How a model is judged: metrics, slices, intervals and gates. Called by ``steps.evaluate``.

plans       what can be said before anything is judged
answers     what a model said about each record
slices      which records belong to a slice
metrics     the value of each metric, by scikit-learn
draws       bootstrap samples of the records
resampled   the value of each metric in every sample
measuring   all of it for a part of the records, of a model and of its baseline
curves      what a model card is drawn from
gates       verdicts
decimals    numbers as a person reads them
"""
