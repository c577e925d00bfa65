from __future__ import annotations
import numpy as np
import polars as pl
from personalization_pipeline.resolve import link

CUT=-2000; CLIP=25000
def components(keys, l, r):
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    n=len(keys)
    _, lab = connected_components(coo_array((np.ones(len(l),dtype=np.int8),(l,r)),shape=(n,n)),directed=False)
    return lab

def agglomerate(w, cut):
    n=len(w); S=w.astype(np.int64).copy(); size=np.ones(n,dtype=np.int64); lab=np.arange(n)
    alive=np.ones(n,bool)
    NEG=-1e18
    A=S.astype(float); np.fill_diagonal(A,NEG)
    A[np.tril_indices(n)]=NEG
    while True:
        k=int(A.argmax()); i,j=divmod(k,n)
        if A[i,j] < cut: break
        S[i,:]+=S[j,:]; S[:,i]+=S[:,j]
        size[i]+=size[j]; alive[j]=False; lab[lab==j]=i
        A[j,:]=NEG; A[:,j]=NEG
        for k2 in np.flatnonzero(alive):
            if k2==i: continue
            a,b=min(i,k2),max(i,k2)
            A[a,b]=S[i,k2]/(size[i]*size[k2])
    return lab

def cluster(edges, s, artefact, cut=CUT, threads=2):
    keys=s["record_key"].sort(); pos={k:i for i,k in enumerate(keys)}
    e=edges.filter(pl.col("weight")>=cut)
    l=np.array([pos[k] for k in e["record_key_l"]],dtype=np.int64); r=np.array([pos[k] for k in e["record_key_r"]],dtype=np.int64)
    lab=components(keys,l,r)
    comp=pl.DataFrame({"record_key":keys,"component":lab.astype(np.int64)}).with_columns(size=pl.len().over("component"))
    print("largest component", comp["size"].max())
    todo=comp.filter((pl.col("size")>2)&(pl.col("size")<=2000))
    out=comp.with_columns(cluster_key=pl.when(pl.col("size")<=2).then(pl.col("record_key").min().over("component")).otherwise("record_key"))
    if todo.height:
        sc=link._score(todo.select("record_key","component").join(s,on="record_key"), artefact, ["l.component = r.component"], None, threads)
        sc=sc.join(edges.filter(pl.col("kind")!="splink").group_by("record_key_l","record_key_r").agg(exact=pl.col("weight").max()),on=["record_key_l","record_key_r"],how="left")
        sc=sc.with_columns(weight=pl.max_horizontal("weight","exact").clip(-CLIP,CLIP))
        sc=sc.join(comp.select(record_key_l="record_key",component="component"),on="record_key_l")
        parts={k[0]:g for k,g in sc.group_by("component")}
        res={}
        for k,g in todo.sort("record_key").group_by("component"):
            ks=g["record_key"].to_list(); p={x:i for i,x in enumerate(ks)}
            W=np.zeros((len(ks),len(ks)),dtype=np.int64); q=parts[k[0]]
            a=[p[x] for x in q["record_key_l"]]; b=[p[x] for x in q["record_key_r"]]
            W[a,b]=q["weight"]; W[b,a]=q["weight"]
            for i,x in enumerate(agglomerate(W,cut)): res[ks[i]]=ks[x]
        m=pl.DataFrame({"record_key":list(res),"ck":list(res.values())})
        out=out.join(m,on="record_key",how="left").with_columns(cluster_key=pl.coalesce("ck","cluster_key"))
    return out.select("record_key","cluster_key")
